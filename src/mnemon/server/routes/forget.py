"""Forgetting: retire or purge, by id or by what cubes are, with a receipt."""

from __future__ import annotations

from fastapi import APIRouter, Response

from mnemon.cube import Receipt
from mnemon.forgetting import check_narrowed
from mnemon.server import bodies, replies
from mnemon.server.access import Granted
from mnemon.server.replies import Reply
from mnemon.server.routes.remember import IfMatch

router = APIRouter(prefix="/v1", tags=["forget"])


@router.post("/forget", response_model=Receipt)
def forget(body: bodies.Forget, grant: Granted, if_match: IfMatch = None) -> Response:
    """Forget cubes with everything derived from them; `purge` leaves no byte of them."""
    memory, scope = grant.on("forget", body.namespace)
    version = replies.expected(if_match, body.version)
    chosen = body.model_dump(exclude={"namespace", "version", "dry_run", "purge"})
    # The key's own namespace, which nobody wrote, must not come to mean "all of it".
    check_narrowed(body.namespace, *(value or None for value in chosen.values()))
    done = memory.forget(
        **chosen, version=version, namespace=scope, dry_run=body.dry_run, purge=body.purge
    )
    return Reply(done)
