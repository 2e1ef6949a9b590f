"""Forgetting: chosen cubes → a receipt. Retire (the past stays) or purge (no byte does)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mnemon.cube import MemCube, Receipt
from mnemon.errors import InvalidInput, NotFound, PurgeIncomplete, VersionConflict
from mnemon.instant import from_micros, now_micros
from mnemon.removal import Removed, carry_out
from mnemon.store import Store
from mnemon.store.rows import Purged

VECTORS = "vectors"


def check_narrowed(*given: object) -> None:
    """Raise InvalidInput when nothing says what to forget: everything is never meant by silence."""
    if all(one is None for one in given):
        raise InvalidInput("say what to forget: ids, namespace, kind, speaker, session, time …")


def check_one(ids: Sequence[str] | None, version: int | None) -> None:
    """Raise InvalidInput when a version is told and not the one cube that has it."""
    if version is not None and len(ids or ()) != 1:
        raise InvalidInput(
            f"a version speaks of one cube, and here are {len(ids or ())} ids: send one"
        )


def forget_chosen(
    store: Store,
    cubes: Sequence[MemCube],
    actor: str,
    *,
    dry_run: bool,
    purge: bool,
    version: int | None = None,
) -> Receipt:
    """Carry out (or count) a forgetting; see `Memory.forget`."""
    ids = [cube.id for cube in cubes]
    if version is not None:
        _check_version(cubes, version)
    if purge:
        return _purge(store, ids, actor, dry_run, version)
    plan = store.ending(ids)
    compiled = {form: count for form, count in plan.forms.items() if form != VECTORS}
    if dry_run:
        return _receipt(
            plan.ids, plan.versions, plan.links, plan.artifacts, compiled, False, dry_run
        )
    ended, keys = store.retire(ids, actor, version) if ids else ([], [])
    removed = carry_out(store, keys)
    return _receipt(ended, len(ended), plan.links, len(keys), compiled, False, False, removed)


def _check_version(cubes: Sequence[MemCube], version: int) -> None:
    # The store looks again in its transaction; this is what a dry run and most conflicts get.
    if not cubes:
        raise NotFound("there is no such cube to forget: it was forgotten already, or never here")
    latest = max(cubes, key=lambda cube: cube.version)
    if latest.version != version:
        raise VersionConflict(latest.id, version, latest.version)


def _purge(
    store: Store, ids: Sequence[str], actor: str, dry_run: bool, version: int | None
) -> Receipt:
    if dry_run:
        plan = store.doomed(ids)
        return _receipt(*_purged(plan), True, dry_run)
    # Without cubes too: it is how to try again what could not be removed the last time.
    gone, erased = store.purge(ids, actor, version) if ids else (store.doomed(ids), True)
    removed = carry_out(store, gone.keys, orphans=True)
    receipt = _receipt(*_purged(gone), True, False, removed)
    if not erased:
        raise PurgeIncomplete(
            "the cubes are gone from every answer, but their old bytes may still be on disk: "
            "another process was using the store, or there is no room to rewrite it. "
            "Run `mnemon fsck --repair` later",
            receipt,
        )
    if removed.pending:
        raise PurgeIncomplete(
            "the cubes are gone from every answer, but what was compiled from them, or from others "
            f"before, may still lie in {', '.join(removed.pending)}: this process does not reach "
            "it. Run `mnemon fsck --repair` where it can be reached",
            receipt,
        )
    return receipt


def _purged(gone: Purged) -> tuple[Sequence[str], int, int, int, dict[str, int]]:
    text = {"text": gone.versions} if gone.versions else {}
    return gone.ids, gone.versions, gone.links, gone.artifacts, {**text, **gone.forms}


def _receipt(
    ids: Sequence[str],
    versions: int,
    links: int,
    artifacts: int,
    forms: Mapping[str, int],
    purged: bool,
    dry_run: bool,
    removed: Removed | None = None,
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
        blobs=removed.blobs if removed else 0,
        pending=removed.pending if removed else (),
        forms=dict(forms),
    )
