"""Recording: drafts → cubes in the store, and cubes → their next versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mnemon import intake
from mnemon.cube import Draft, Link, MemCube
from mnemon.embedding import Embedding
from mnemon.errors import MnemonError, NotFound, SpaceMoved
from mnemon.instant import now_micros
from mnemon.store import Store
from mnemon.store.rows import Added, Addition, NewCube, Revision, Rewind, Vectors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Revised:
    """A cube as its next version is to be, and the version that is to be its latest before it."""

    cube: MemCube
    expected: int


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
        rows = intake.sourced([intake.prepare(draft, now + i) for i, draft in enumerate(drafts)])
        added = self._embedded(
            scope, rows, lambda made: self._store.add(scope, rows, made, self._actor)
        )
        return self._written(scope, rows, added)

    def add_each(
        self, additions: Sequence[tuple[str, Sequence[NewCube], str]]
    ) -> list[list[MemCube] | Exception]:
        """(scope, rows, actor) of several callers, embedded together and written in one commit: the
        cubes of each, or why it alone failed.

        Raises:
            EmbedderError: the embedder failed; nothing was written.
        """
        speakers = {scope: self._store.speakers(scope) for scope in {one[0] for one in additions}}
        texts = [
            (self._texts(scope, rows), _names(speakers[scope], rows))
            for scope, rows, _ in additions
        ]
        made = self._embedding.vectors_each(texts)
        written = self._store.add_each(
            [Addition(*one[:2], each, one[2]) for one, each in zip(additions, made, strict=True)]
        )
        return [
            added if isinstance(added, Exception) else self._read_back(scope, rows, added)
            for (scope, rows, _), added in zip(additions, written, strict=True)
        ]

    def _read_back(
        self, scope: str, rows: Sequence[NewCube], added: Sequence[Added]
    ) -> list[MemCube] | Exception:
        try:
            return self._written(scope, rows, added)
        except MnemonError as error:  # one caller's: what the others added is there
            return error

    def _written(
        self, scope: str, rows: Sequence[NewCube], added: Sequence[Added]
    ) -> list[MemCube]:
        # A cube known by its key may have been forgotten since: its last version stands for it.
        return [
            intake.as_written(row, scope, one.recorded_at)
            if one.new
            else self._latest(scope, one.id)
            for row, one in zip(rows, added, strict=True)
        ]

    def _latest(self, scope: str, id: str) -> MemCube:
        versions = self._store.history(scope, id)
        if not versions:
            raise NotFound(f"cube {id} was purged meanwhile: add it again")
        return versions[-1]

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

    def rewind(
        self, scope: str, ended: tuple[str, ...], revised: Sequence[Revised],
        unlinked: tuple[Link, ...], linked: tuple[Link, ...], told: Mapping[str, Any],
    ) -> list[str]:  # fmt: skip
        """Carry out several edits as one (see `Store.rewind`); who made a version stays its
        producer."""
        now = now_micros()
        rows = [
            intake.prepare(
                intake.revised(one.cube, {"producer": one.cube.provenance.producer}), now
            )
            for one in revised
        ]
        spaces = {one.cube.namespace for one in revised}
        speakers = {space: self._store.speakers(space) for space in spaces}

        def write() -> list[str]:
            asked = [
                ([row.content], _names(speakers[one.cube.namespace], [row]))
                for one, row in zip(revised, rows, strict=True)
            ]
            made = self._embedding.vectors_each(asked) if asked else []
            each = zip(revised, rows, made, strict=True)
            written = tuple(Revision(o.cube.id, o.expected, row, v) for o, row, v in each)
            edits = Rewind(ended, written, unlinked, linked, told)
            return self._store.rewind(scope, edits, self._actor)

        try:
            return write()
        except SpaceMoved:
            self._embedding.forget()
            return write()

    def _embedded(self, scope: str, rows: Sequence[NewCube], write: Callable[[Vectors], T]) -> T:
        """Call `write` with vectors for rows; once more if the store moved to another embedder."""
        names = _names(self._store.speakers(scope), rows)
        try:
            return write(self._vectors(scope, rows, names))
        except SpaceMoved:
            self._embedding.forget()
            return write(self._vectors(scope, rows, names))

    def _vectors(self, scope: str, rows: Sequence[NewCube], names: set[str]) -> Vectors:
        return self._embedding.vectors(self._texts(scope, rows), names)

    def _texts(self, scope: str, rows: Sequence[NewCube]) -> list[str]:
        """What is to be embedded: nothing for what is there already."""
        keys = [row.key for row in rows if row.key]
        known = self._store.known_keys(scope, keys) if keys else {}
        return ["" if row.key in known else row.content for row in rows]


def _names(speakers: Iterable[str], rows: Sequence[NewCube]) -> set[str]:
    return {*speakers, *(row.speaker for row in rows if row.speaker)}
