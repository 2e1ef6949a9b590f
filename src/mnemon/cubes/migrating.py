"""Migrating: cubes with all their versions from one store to another, by way of a portable file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mnemon.cubes.exporting import Seen, written
from mnemon.errors import InvalidInput, StoreError
from mnemon.portable import ImportReport

if TYPE_CHECKING:
    from mnemon.memory import Memory


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was migrated: ids, what the other store's import says, and ids that were forgotten
    here, which are none unless they were moved."""

    ids: tuple[str, ...]
    report: ImportReport
    forgotten: tuple[str, ...]


def migrate(
    memory: Memory, other: Memory, ids: Sequence[str] | None = None, *,
    namespace: str | None = None, artifacts: bool = True, move: bool = False,
) -> Migrated:  # fmt: skip
    """Copy cubes to another store, such as from SQLite to PostgreSQL, or move them.

    Ids, versions, both times, provenance, policies, usage and namespaces stay as they are; so do
    links between cubes that are copied. What is there already is left alone: a migration that
    was interrupted is run again.

    Args:
        ids: these cubes, forgotten ones too; all of the namespace if None.
        namespace: where they are; the memory's own if None.
        artifacts: take along what is compiled from them alone, if it is small; see
            docs/file-format.md.
        move: forget them here once every version is there. The past keeps them: purge them to
            leave nothing.

    Raises:
        NotFound: no such cube; nothing was written.
        InvalidInput: both memories have one store.
        StoreError: not every version arrived; nothing was forgotten.
    """
    if memory.path == other.path != ":memory:":
        raise InvalidInput(f"{memory.path} cannot be migrated to itself: open another store")
    scope = memory.namespace if namespace is None else namespace
    with TemporaryDirectory(prefix="mnemon-migrate-") as folder:
        file = Path(folder) / "cubes.jsonl.gz"
        _, seen = written(memory, file, ids, scope, artifacts)
        report = other.import_(file, "mnemon")
    forgotten: tuple[str, ...] = ()
    if move:
        _check_arrived(other, seen)
        current = [one for one, told in seen.items() if told["versions"][-1]["retired_at"] is None]
        forgotten = memory.forget(current, namespace=scope).ids if current else ()
    return Migrated(tuple(seen), report, forgotten)


def _check_arrived(other: Memory, seen: Seen) -> None:
    for id, record in seen.items():
        there = other.history(id, namespace=record["namespace"])
        said = [one["content"] for one in record["versions"]]
        if [one.content for one in there][: len(said)] != said:
            raise StoreError(f"cube {id} did not arrive whole: nothing was forgotten here")
