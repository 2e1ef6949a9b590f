"""What was purged after a backup was made: a restored store would bring it back."""

from __future__ import annotations

import gzip
import json
import tarfile
from contextlib import closing
from pathlib import Path

from mnemon.errors import InvalidInput, PurgeIncomplete
from mnemon.removal import carry_out
from mnemon.server.backup.restoring import unpacked
from mnemon.store.sqlite import SQLiteStore, backup


def tombstones(source: Path) -> dict[str, int]:
    """Ids of purged cubes, and when (microseconds since 1970), from a store, a later backup, or an
    export of a whole store.

    Raises:
        InvalidInput: it is none of these.
    """
    if not source.exists():
        raise InvalidInput(f"there is no file {source} to read tombstones from")
    with source.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"SQLite format 3"):
        return backup.tombstones(source)
    if tarfile.is_tarfile(source):
        with unpacked(source, source.parent) as (_, folder):
            return backup.tombstones(folder / "store.db")
    return _exported(source)


def _exported(source: Path) -> dict[str, int]:
    opened = gzip.open if source.suffix == ".gz" else open
    try:
        with opened(source, "rt", encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        whole = records[0]["mnemon"] and records[0]["namespace"] is None and "end" in records[-1]
    except (ValueError, OSError, LookupError, TypeError, EOFError):
        whole = False
    if not whole:
        raise InvalidInput(
            f"{source} is no store, backup or whole export of a store: give one made after the "
            "purges that are to be repeated"
        )
    return {one["tombstone"]: one["purged_at"] for one in records if "tombstone" in one}


def repeat(store: Path, known: dict[str, int]) -> int:
    """Purge again, in a restored store, what tombstones name; how many cubes went. What it does not
    hold is buried too, so that no old export brings it in.

    Raises:
        PurgeIncomplete: bytes may be left. OnHold: one of them must be kept; none was purged.
    """
    with closing(SQLiteStore(str(store))) as opened:
        gone, erased = opened.purge(sorted(known), "restore-backup")
        removed = carry_out(opened, gone.keys)
        opened.restore_rest([{"tombstone": id, "purged_at": at} for id, at in known.items()])
    if not erased or removed.pending:
        raise PurgeIncomplete(
            f"{len(gone.ids)} cubes are purged again, but their bytes may still be on disk: run "
            f"`mnemon --store {store} fsck --repair`"
        )
    return len(gone.ids)
