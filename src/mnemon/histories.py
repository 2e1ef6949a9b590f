"""Importing: portable files and real histories, in batches, skipping what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mnemon import intake, methods, portable, portable_artifacts
from mnemon.cube import Draft
from mnemon.embedding import Embedding
from mnemon.errors import InvalidInput, KeyReused, NotFound, SpaceMoved
from mnemon.importers import History
from mnemon.portable import ImportReport
from mnemon.store import Store
from mnemon.store.rows import Vectors

if TYPE_CHECKING:
    from mnemon.memory import Memory

_BATCH = 500
Progress = Callable[[int, int], None]
T = TypeVar("T")


def import_any(
    memory: Memory,
    store: Store,
    embedding: Embedding,
    path: Path,
    format: str | None,
    scope: str,
    progress: Progress | None,
    options: Mapping[str, Any],
) -> ImportReport:
    """See `Memory.import_`."""
    report = ImportReport()
    if format == "mnemon" or (format is None and portable.is_portable(path)):
        _import_portable(store, embedding, memory.actor, path, report, progress)
    else:
        _import_history(memory, store, path, format, scope, report, progress, options)
    return report


def _import_history(
    memory: Memory,
    store: Store,
    path: Path,
    format: str | None,
    scope: str,
    report: ImportReport,
    progress: Progress | None,
    options: Mapping[str, Any],
) -> None:
    from mnemon.importers import Malformed
    from mnemon.importers._detect import detect

    name = format or detect(path)
    importer = methods.load("importers", name, **options)
    history = History(path)
    producer = f"import:{name}"
    try:
        for batch in _batches(importer.read(history), _BATCH):
            drafts = [replace(one, producer=producer) for one in batch if isinstance(one, Draft)]
            report.malformed += [
                (one.place, one.reason) for one in batch if isinstance(one, Malformed)
            ]
            _add(memory, store, scope, [d for d in drafts if _sound(d, report)], report)
            if progress is not None:
                progress(history.consumed, history.total)
    finally:
        history.close()


def _sound(draft: Draft, report: ImportReport) -> bool:
    try:
        intake.prepare(draft, 0)
    except InvalidInput as error:
        report.malformed.append((draft.source or draft.key or "?", str(error)))
        return False
    return True


def _add(
    memory: Memory, store: Store, scope: str, drafts: Sequence[Draft], report: ImportReport
) -> None:
    known = store.known_keys(scope, [draft.key for draft in drafts if draft.key])
    fresh = _first_of_each([draft for draft in drafts if draft.key not in known])
    report.known += len(drafts) - len(fresh)
    try:
        report.added += len(memory.add(fresh, namespace=scope))
    except (NotFound, KeyReused):  # somebody forgets, or imports the same, at this moment
        for draft in fresh:
            _add_alone(memory, scope, draft, report)


def _first_of_each(drafts: Sequence[Draft]) -> list[Draft]:
    """Drafts of which no two have a key in common: of an entry that comes twice the first stands,
    as if they had come in two batches."""
    first: dict[object, Draft] = {}
    for draft in drafts:
        first.setdefault(draft.key or object(), draft)
    return list(first.values())


def _add_alone(memory: Memory, scope: str, draft: Draft, report: ImportReport) -> None:
    try:
        memory.add(draft, namespace=scope)
    except KeyReused:
        report.known += 1
        return
    except NotFound as error:
        report.malformed.append((draft.source or draft.key or "?", f"kept without links: {error}"))
        memory.add(replace(draft, links=()), namespace=scope)
    report.added += 1


def _import_portable(
    store: Store,
    embedding: Embedding,
    actor: str,
    path: Path,
    report: ImportReport,
    progress: Progress | None,
) -> None:
    history = History(path)
    rest: list[dict[str, Any]] = []
    for batch in _batches(portable.read(history, report), _BATCH):
        cubes = [record for record in batch if "cube" in record]
        rest += [one for one in batch if "cube" not in one and "artifact" not in one]
        _restore(store, embedding, actor, cubes, report)
        for one in batch:
            if "artifact" in one:  # after all cubes, in what we write
                portable_artifacts.restore(store, actor, one, report)
        if progress is not None:
            progress(history.consumed, history.total)
    report.links += store.restore_rest(rest)


def _restore(
    store: Store,
    embedding: Embedding,
    actor: str,
    cubes: Sequence[dict[str, Any]],
    report: ImportReport,
) -> None:
    unknown, dead = store.unknown([record["cube"] for record in cubes])
    fresh = [record for record in cubes if record["cube"] in unknown]
    report.purged += sum(record["cube"] in dead for record in cubes)
    if fresh:
        try:
            added = store.restore(fresh, _vectors(store, embedding, fresh), actor)
        except SpaceMoved:
            embedding.forget()
            added = store.restore(fresh, _vectors(store, embedding, fresh), actor)
        report.added += added
        report.known += len(fresh) - added
    report.known += sum(record["cube"] not in unknown | dead for record in cubes)


def _vectors(store: Store, embedding: Embedding, records: Sequence[dict[str, Any]]) -> Vectors:
    versions = [version for record in records for version in record["versions"]]
    names = {version["speaker"] for version in versions if version.get("speaker")}
    for path in {record["namespace"] for record in records}:
        names.update(store.speakers(path))
    return embedding.vectors([version["content"] for version in versions], names)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
