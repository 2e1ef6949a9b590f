"""Forgetting: chosen cubes → a receipt. Retire (the past stays) or purge (no byte does)."""

from __future__ import annotations

from collections.abc import Sequence

from mnemon.cube import MemCube, Receipt
from mnemon.errors import PurgeIncomplete
from mnemon.instant import from_micros, now_micros
from mnemon.store import Store


def forget_chosen(
    store: Store, cubes: Sequence[MemCube], actor: str, *, dry_run: bool, purge: bool
) -> Receipt:
    """Carry out (or count) a forgetting; see `Memory.forget`."""
    ids = [cube.id for cube in cubes]
    if purge:
        return _purge(store, ids, actor, dry_run)
    if dry_run:
        made = [found for cube in cubes for found in store.artifacts(cube.namespace, None, cube.id)]
        artifacts = len({artifact.key for artifact in made})
        return _receipt(ids, len(ids), _links(store, cubes), artifacts, False, True)
    links = _links(store, cubes)
    ended, artifacts = store.retire(ids, actor) if ids else ([], 0)
    return _receipt(ended, len(ended), links, artifacts, False, False)


def _links(store: Store, cubes: Sequence[MemCube]) -> int:
    ends = [link for cube in cubes for link in store.links(cube.namespace, cube.id)]
    return len({(link.src, link.type, link.dst) for link in ends})


def _purge(store: Store, ids: Sequence[str], actor: str, dry_run: bool) -> Receipt:
    if dry_run or not ids:
        plan = store.doomed(ids)
        return _receipt(plan.ids, plan.versions, plan.links, plan.artifacts, True, dry_run)
    gone, erased = store.purge(ids, actor)
    receipt = _receipt(gone.ids, gone.versions, gone.links, gone.artifacts, True, False)
    if not erased:
        raise PurgeIncomplete(
            "the cubes are gone from every answer, but another process was reading and their old "
            "bytes may still be on disk: run `mnemon fsck --repair` when it is done",
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
