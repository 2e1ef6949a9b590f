"""Forgetting: retire or purge, by id or by what cubes are, with a receipt."""

from __future__ import annotations

from fastapi import APIRouter, Response

from mnemon.cube import Receipt
from mnemon.errors import InvalidInput, VersionConflict
from mnemon.forgetting import check_narrowed
from mnemon.memory import Memory
from mnemon.server import bodies, replies
from mnemon.server.access import Granted
from mnemon.server.replies import Reply
from mnemon.server.routes.remember import IfMatch

router = APIRouter(prefix="/v1", tags=["forget"])


@router.post("/forget", response_model=Receipt)
def forget(body: bodies.Forget, grant: Granted, if_match: IfMatch = None) -> Response:
    """Forget cubes with everything derived from them; `purge` leaves no byte of them."""
    memory, scope = grant.on("forget", body.namespace)
    version = replies.expected(if_match)
    if version is not None:
        _check(memory, scope, body.ids, version)
    chosen = body.model_dump(exclude={"namespace", "dry_run", "purge"})
    # The key's own namespace, which nobody wrote, must not come to mean "all of it".
    check_narrowed(body.namespace, *(value or None for value in chosen.values()))
    done = memory.forget(**chosen, namespace=scope, dry_run=body.dry_run, purge=body.purge)
    return Reply(done)


def _check(memory: Memory, scope: str, ids: str | list[str] | None, version: int) -> None:
    one = [ids] if isinstance(ids, str) else ids or []
    if len(one) != 1:
        raise InvalidInput(f"If-Match speaks of one cube, and here are {len(one)} ids: send one")
    current = memory.get(one[0], namespace=scope).version
    if current != version:
        raise VersionConflict(one[0], version, current)
