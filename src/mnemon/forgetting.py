"""Forgetting: chosen cubes → a receipt. Retire (the past stays) or purge (no byte does)."""

from __future__ import annotations

from collections.abc import Sequence

from mnemon.cube import MemCube, Receipt
from mnemon.errors import InvalidInput, PurgeIncomplete
from mnemon.instant import from_micros, now_micros
from mnemon.store import Store


def check_narrowed(*given: object) -> None:
    """Raise InvalidInput when nothing says what to forget: everything is never meant by silence."""
    if all(one is None for one in given):
        raise InvalidInput("say what to forget: ids, namespace, kind, speaker, session, time …")


def forget_chosen(
    store: Store, cubes: Sequence[MemCube], actor: str, *, dry_run: bool, purge: bool
) -> Receipt:
    """Carry out (or count) a forgetting; see `Memory.forget`."""
    ids = [cube.id for cube in cubes]
    if purge:
        return _purge(store, ids, actor, dry_run)
    plan = store.ending(ids)
    if dry_run or not ids:
        return _receipt(plan.ids, plan.versions, plan.links, plan.artifacts, False, dry_run)
    ended, artifacts = store.retire(ids, actor)
    return _receipt(ended, len(ended), plan.links, artifacts, False, False)


def _purge(store: Store, ids: Sequence[str], actor: str, dry_run: bool) -> Receipt:
    if dry_run or not ids:
        plan = store.doomed(ids)
        return _receipt(plan.ids, plan.versions, plan.links, plan.artifacts, True, dry_run)
    gone, erased = store.purge(ids, actor)
    receipt = _receipt(gone.ids, gone.versions, gone.links, gone.artifacts, True, False)
    if not erased:
        raise PurgeIncomplete(
            "the cubes are gone from every answer, but their old bytes may still be on disk: "
            "another process was using the store, or there is no room to rewrite it. "
            "Run `mnemon fsck --repair` later",
            receipt,
        )
    return receipt


def _receipt(
    ids: Sequence[str], versions: int, links: int, artifacts: int, purged: bool, dry_run: bool
) -> Receipt:
    return Receipt(
        cubes=len(ids),
        versions=versions,
        links=links,
        artifacts=artifacts,
        ids=tuple(ids),
        purged=purged,
        dry_run=dry_run,
        at=from_micros(now_micros()),
    )
