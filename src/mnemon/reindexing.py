"""Moving a store from one embedding space to another while it is being used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mnemon.embedding import Embedding, embedded, made, space_of
from mnemon.store import Store
from mnemon.store.rows import Vectors

if TYPE_CHECKING:
    from mnemon.models.embed import Embedder

_BATCH = 512

Progress = Callable[[int, int], None]


def reindex(
    store: Store,
    embedding: Embedding,
    wanted: Embedder | str | None,
    keep: bool,
    progress: Progress | None,
) -> int:
    """See `Memory.reindex`. Resumable: vectors that are there already are kept.

    Writers go on filling the old space meanwhile, so rounds repeat until none is missing at the
    moment of the switch, which is one transaction.
    """
    embedder = embedding.embedder if wanted is None else made(wanted)
    space = space_of(embedder)
    active = store.active_space()
    if active is None or active.name != space.name:
        store.create_space(replace(space, state="building"))
    written = 0
    while True:
        written += _fill(store, embedder, space.name, written, progress)
        if store.activate_space(space.name, keep=keep):
            embedding.forget(embedder)
            return written


def _fill(
    store: Store, embedder: Embedder, space: str, before: int, progress: Progress | None
) -> int:
    total = store.size()["versions"]
    names: dict[str, list[str]] = {}
    after = written = 0
    while missing := store.missing_vectors(space, after, _BATCH):
        for path in {path for _, path, _ in missing}:
            chosen = [(row, text) for row, where, text in missing if where == path]
            if path not in names:
                names[path] = store.speakers(path)
            matrix = embedded(embedder, [text for _, text in chosen], names[path])
            store.write_vectors([row for row, _ in chosen], Vectors(space, matrix))
        written += len(missing)
        after = missing[-1][0]
        if progress is not None:
            progress(min(before + written, total), total)
    return written
