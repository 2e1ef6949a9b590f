"""Migrating: cubes with all their versions from one store to another, by way of a portable file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mnemon import portable
from mnemon.errors import InvalidInput, NotFound, StoreError
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
    wanted = None if ids is None else (ids,) if isinstance(ids, str) else tuple(ids)
    scope = memory.namespace if namespace is None else namespace
    with TemporaryDirectory(prefix="mnemon-migrate-") as folder:
        file, seen = Path(folder) / "cubes.jsonl.gz", dict[str, dict[str, Any]]()
        portable.write(file, portable.lines(_chosen(memory, scope, wanted, artifacts, seen), scope))
        missing = set(wanted or ()) - seen.keys()
        if missing:
            raise NotFound(f"no cube {min(missing)} in namespace {scope!r}")
        report = other.import_(file, "mnemon")
    forgotten: tuple[str, ...] = ()
    if move:
        _check_arrived(other, seen)
        current = [one for one, told in seen.items() if told["versions"][-1]["retired_at"] is None]
        forgotten = memory.forget(current, namespace=scope).ids if current else ()
    return Migrated(tuple(seen), report, forgotten)


def _chosen(
    memory: Memory, scope: str, wanted: Sequence[str] | None, artifacts: bool,
    seen: dict[str, dict[str, Any]],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    with closing(memory.dump(namespace=scope, artifacts=artifacts)) as lines:
        for line in lines:
            record = json.loads(line)
            if "cube" in record and (wanted is None or record["cube"] in wanted):
                seen[record["cube"]] = record
                yield record
            elif (
                "link" in record and {record["link"]["src"], record["link"]["dst"]} <= seen.keys()
            ) or ("artifact" in record and {one for one, _ in record["sources"]} <= seen.keys()):
                yield record


def _check_arrived(other: Memory, seen: dict[str, dict[str, Any]]) -> None:
    for id, record in seen.items():
        there = other.history(id, namespace=record["namespace"])
        said = [one["content"] for one in record["versions"]]
        if [one.content for one in there][: len(said)] != said:
            raise StoreError(f"cube {id} did not arrive whole: nothing was forgotten here")
