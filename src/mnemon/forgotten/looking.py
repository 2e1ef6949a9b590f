"""Looking: a store's rows, words, artifacts, places and files, for what was forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon import places
from mnemon.forgotten.report import Look
from mnemon.store.address import is_database
from mnemon.store.rows import Filter

if TYPE_CHECKING:
    from mnemon.forgotten.questions import Question
    from mnemon.memory import Memory

_PLACES = ("removal-pending", "place-orphan")
_HITS = 20
_PART = 1 << 20


def look(
    memory: Memory, ids: Sequence[str], purged: bool, asked: Sequence[Question], scope: str
) -> Iterator[Look]:
    """Look everywhere but in models."""
    found = memory._store.select(Filter(scope, ids=tuple(ids), forgotten=purged))
    yield _look("text", len(ids), [cube.id for _, cube in found])
    yield _words(memory, ids, asked, scope)
    yield _other(memory, ids, asked, scope)
    yield from _artifacts(memory, set(ids), scope)
    problems = memory.fsck()
    lying = [one.what for one in problems if one.rule in _PLACES]
    yield _look("places", len(memory.artifacts.places()), lying)
    yield _look("store", 1, [one.rule for one in problems if one.rule not in _PLACES])
    if purged and not is_database(memory.path) and Path(memory.path).is_file():
        yield _bytes(memory, asked)


def _look(where: str, looked: int, what: Sequence[str]) -> Look:
    found = tuple(dict.fromkeys(what))
    return Look(where, looked, len(found), found)


def _words(memory: Memory, ids: Sequence[str], asked: Sequence[Question], scope: str) -> Look:
    """Whether searches for what was told find the cubes, by words or by meaning."""
    hits = [
        hit.cube.id for one in asked
        for hit in memory.search(one.content, _HITS, namespace=scope)
    ]  # fmt: skip
    return _look("words", len(asked), [id for id in hits if id in set(ids)])


def _other(memory: Memory, ids: Sequence[str], asked: Sequence[Question], scope: str) -> Look:
    """Whether other cubes say the same, or a question's answer beside whom it is about."""
    cubes = [cube for _, cube in memory._store.select(Filter(scope)) if cube.id not in set(ids)]
    found = [cube.id for cube in cubes if any(_says(cube.content, one) for one in asked)]
    return _look("other text", len(cubes), found)


def _says(text: str, one: Question) -> bool:
    told = one.lesson
    pair = told is not None and told.value in text and told.subject in text
    return pair or one.content.strip() in text


def _artifacts(memory: Memory, ids: set[str], scope: str) -> Iterator[Look]:
    found = memory.artifacts.list(namespace=scope)
    for form in sorted({one.form for one in found}):
        some = [one for one in found if one.form == form]
        having = [one.key for one in some if any(id in ids for id, _ in one.sources)]
        yield _look(form, len(some), having)


def _bytes(memory: Memory, asked: Sequence[Question]) -> Look:
    """Whether a file of the store, or of a folder of artifacts, holds the text."""
    texts = [one.content.encode() for one in asked]
    store = memory._store
    folders = [store.blobs, store.index, store.uploads]
    folders += [places.folder_of(one.address) for one in store.places()]
    files = [Path(memory.path), Path(f"{memory.path}-wal"), Path(f"{memory.path}-shm")]
    files += [file for one in folders if one is not None for file in one.rglob("*")]
    there = [file for file in files if file.is_file()]
    return _look("bytes", len(there), [str(file) for file in there if _holds(file, texts)])


def _holds(file: Path, texts: Sequence[bytes]) -> bool:
    longest = max(map(len, texts), default=0)
    with file.open("rb") as opened:
        end = b""
        while part := opened.read(_PART):
            if any(text in end + part for text in texts):
                return True
            end = (end + part)[-longest:] if longest else b""
    return False
