"""Removal: the bytes of deleted artifacts go from every place that this process reaches.

A deletion writes what is to go into the store's outbox, in its own transaction. After the commit it
is carried out here; what cannot be reached now, or was not for a crash, waits in the outbox for the
next opening, forgetting, sweep or repair, in whatever process.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnemon import places, watching
from mnemon.errors import PlaceFailed
from mnemon.instant import now_micros
from mnemon.store import Store
from mnemon.store.rows import Place, Problem, Waiting

log = logging.getLogger("mnemon.removal")
_AGAIN_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Removed:
    """How many blobs went, and the places where some still wait to be removed."""

    blobs: int = 0
    pending: tuple[str, ...] = ()


def carry_out(store: Store, keys: Sequence[str] = (), *, orphans: bool = False) -> Removed:
    """Empty a store's outbox as far as its places can be reached.

    Args:
        keys: what was just deleted; who watches in this process is told.
        orphans: remove from folders too what no artifact names.
    """
    try:
        done = [_remove(store, one) for one in store.waiting()]
        found = dict(_orphans(store)) if orphans else {}
        swept = {
            place: None if some is None else _delete(place, some) for place, some in found.items()
        }
    finally:
        if keys:
            watching.tell(store, keys)
    left = [places.shown(place) for place, gone in swept.items() if gone is None]
    if None in done:
        left += pending(store)
    blobs = sum(gone or 0 for gone in (*done, *swept.values()))
    return Removed(blobs, tuple(dict.fromkeys(left)))


def catch_up(store: Store) -> None:
    """What a process does that opens a store: finish what a crash left, and try again what could
    not be reached, if that was a while ago."""
    if not store.read_only:
        now = now_micros()
        for one in store.waiting():
            if now - one.tried_at > _AGAIN_US:
                _remove(store, one)


def pending(store: Store) -> tuple[str, ...]:
    """Places where blobs wait to be removed."""
    return tuple(dict.fromkeys(places.shown(one.place) for one in store.waiting()))


def problems(store: Store) -> Iterator[Problem]:
    """What fsck tells of places: blobs that wait to be removed, and those that nothing names."""
    for one in store.waiting():
        told = f"{len(one.keys)} deleted blobs may still be in {places.shown(one.place)}"
        yield Problem("removal-pending", f"{told} (fsck --repair where it can be reached)")
    for place, keys in _orphans(store):
        count = "it cannot be told how many" if keys is None else len(keys)
        told = f"{count} blobs in {places.shown(place)} belong to no artifact"
        yield Problem("place-orphan", told)


def _remove(store: Store, one: Waiting) -> int | None:
    """How many blobs of a deletion went; None if the place cannot be reached."""
    if not places.reached(one.place):
        store.not_removed(one.place)
        return None
    gone = _delete(one.place, one.keys)
    if gone is None:
        store.not_removed(one.place)
    else:
        store.removed(one)
    return gone


def _delete(place: Place, keys: Sequence[str]) -> int | None:
    from mnemon.kv.tiers.places import delete

    try:
        return delete(place.address, keys)
    except Exception as error:  # noqa: BLE001 - of whatever client; it stays in the outbox
        log.warning("%d blobs stay in %s: %s", len(keys), places.shown(place), error)
        return None


def _orphans(store: Store) -> Iterator[tuple[Place, list[str] | None]]:
    """What no artifact names, in the folders that this process reaches; half-written too. None for
    a folder that cannot be read."""
    waiting = {(one.place.num, key) for one in store.waiting() for key in one.keys}
    for place in store.places():
        folder = places.folder_of(place.address)
        if folder is not None and folder.is_dir() and places.local(place):
            try:
                unknown = store.unknown_artifacts(_lying(place, folder))
            except (PlaceFailed, OSError) as error:
                log.warning("%s", error)
                yield place, None
                continue
            found = sorted(key for key in unknown if (place.num, key) not in waiting)
            if found:
                yield place, found


def _lying(place: Place, folder: Path) -> list[str]:
    from mnemon.kv.tiers.places import is_key, keys

    halves = {file.name.partition(".")[0] for file in (folder / "partial").glob("*")}
    return [*keys(place.address), *filter(is_key, halves)]
