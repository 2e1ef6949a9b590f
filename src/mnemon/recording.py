"""Recording: drafts → cubes in the store, and cubes → their next versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from mnemon import intake
from mnemon.cube import Draft, MemCube
from mnemon.embedding import Embedding
from mnemon.errors import SpaceMoved
from mnemon.instant import now_micros
from mnemon.store import Store
from mnemon.store.rows import NewCube, Vectors

T = TypeVar("T")


class Recorder:
    """Checks, embeds and hands over to the store, in one durable write a call."""

    def __init__(self, store: Store, embedding: Embedding, actor: str) -> None:
        self._store = store
        self._embedding = embedding
        self._actor = actor

    def add(self, scope: str, drafts: Sequence[Draft]) -> list[MemCube]:
        """All of the drafts as cubes, or none."""
        if not drafts:
            return []
        now = now_micros()
        rows = [intake.prepare(draft, now + i) for i, draft in enumerate(drafts)]
        added = self._embedded(
            scope, rows, lambda made: self._store.add(scope, rows, made, self._actor)
        )
        # A cube known by its key may have been forgotten since: its last version stands for it.
        return [
            intake.as_written(row, scope, one.recorded_at)
            if one.new
            else self._store.history(scope, one.id)[-1]
            for row, one in zip(rows, added, strict=True)
        ]

    def revise(
        self, cube: MemCube, expected: int, changes: Mapping[str, Any], verb: str
    ) -> MemCube:
        """The next version of a cube, made from `cube` (an old version, to restore) and changes.

        Raises:
            VersionConflict: the latest version is not `expected`.
        """
        row = intake.prepare(intake.revised(cube, changes), now_micros())
        self._embedded(
            cube.namespace,
            [row],
            lambda made: self._store.update(cube.id, expected, row, made, self._actor, verb),
        )
        return self._store.history(cube.namespace, cube.id)[-1]

    def _embedded(self, scope: str, rows: Sequence[NewCube], write: Callable[[Vectors], T]) -> T:
        """Call `write` with vectors for rows; once more if the store moved to another embedder."""
        names = {*self._store.speakers(scope), *(row.speaker for row in rows if row.speaker)}
        try:
            return write(self._vectors(scope, rows, names))
        except SpaceMoved:
            self._embedding.forget()
            return write(self._vectors(scope, rows, names))

    def _vectors(self, scope: str, rows: Sequence[NewCube], names: set[str]) -> Vectors:
        keys = [row.key for row in rows if row.key]
        known = self._store.known_keys(scope, keys) if keys else {}
        texts = ["" if row.key in known else row.content for row in rows]
        return self._embedding.vectors(texts, names)
