"""Forgetting: retire or purge, by id or by what cubes are, with a receipt."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Response

from mnemon import persons
from mnemon.cube import Receipt, Rollback
from mnemon.errors import InvalidInput, PurgeIncomplete
from mnemon.forgetting import check_narrowed
from mnemon.persons import PersonReceipt
from mnemon.server import bodies, replies
from mnemon.server.access import Grant, Granted
from mnemon.server.audit.entry import digest_of
from mnemon.server.replies import Reply
from mnemon.server.routes.remember import IfMatch
from mnemon.wire.plain import plain

router = APIRouter(prefix="/v1", tags=["forget"])


@router.post("/forget", response_model=Receipt | PersonReceipt)
def forget(body: bodies.Forget, grant: Granted, if_match: IfMatch = None) -> Response:
    """Forget cubes with everything derived from them; `purge` leaves no byte of them."""
    memory, scope = grant.on("forget", body.namespace)
    if body.person is not None:
        return _person(grant, body)
    version = replies.expected(if_match, body.version)
    grant.act.touch([body.ids] if isinstance(body.ids, str) else body.ids or [])
    chosen = body.model_dump(exclude={"namespace", "version", "dry_run", "purge", "person"})
    # The key's own namespace, which nobody wrote, must not come to mean "all of it".
    check_narrowed(body.namespace, *(value or None for value in chosen.values()))
    try:
        done = memory.forget(
            **chosen, version=version, namespace=scope, dry_run=body.dry_run, purge=body.purge
        )
    except PurgeIncomplete as error:
        if isinstance(error.receipt, Receipt):
            grant.act.forgot(error.receipt)
        raise
    grant.act.forgot(done)
    return Reply(done)


@router.post("/rollback", response_model=Rollback)
def rollback(body: bodies.Rollback, grant: Granted) -> Response:
    """Make a namespace's text what it was at a moment, by new versions."""
    memory, scope = grant.on("forget", body.namespace)
    grant.on("write", body.namespace)
    done = memory.rollback(body.to, namespace=scope, dry_run=body.dry_run)
    flag = {"dry_run": True} if done.dry_run else {}
    grant.act.touch((*done.restored, *done.revised, *done.retired), **flag)
    grant.act.receipt = digest_of(plain(done))
    return Reply(done)


def _person(grant: Grant, body: bodies.Forget) -> Response:
    memory, scope = grant.on("forget", body.namespace)
    chosen = body.model_dump(exclude={"namespace", "dry_run", "purge", "person"}, exclude_none=True)
    if chosen:
        raise InvalidInput(f"person stands alone: leave {', '.join(chosen)} out")
    show = grant.key is None or "read" in grant.key.verbs
    try:
        done = persons.forget(memory, scope, body.person or (), dry_run=body.dry_run, show=show)
    except PurgeIncomplete as error:
        if isinstance(error.receipt, Receipt):
            grant.act.forgot(error.receipt)
        raise
    if grant.key is not None and grant.key.namespaces is not None:
        # How far the journal has come tells how much others write: not for one of several tenants.
        done = replace(done, stamp=(done.stamp or "").partition(":")[0])
    grant.act.forgot(done)
    return Reply(done)
