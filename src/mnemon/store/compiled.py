"""What a store promises about artifacts and where their bytes lie. A part of `protocol.Store`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mnemon.store.rows import ArtifactRow, Place, Promotion, Waiting


class Compiled(Protocol):
    """What is made from cubes, and where the bytes of it lie."""

    # artifacts
    def write_artifact(self, row: ArtifactRow, actor: str) -> None:
        """Publish; raises StaleArtifact when a source, or what it continues, changed meanwhile,
        and NotForWeights when its form is weights and a source is withheld from them.

        One whose bytes lie in places may be known already: its sources are then added to those it
        has, or put in their place if it was stale; and nothing of it waits to be removed.
        """
        ...

    def artifact(self, scope: str, key: str) -> ArtifactRow | None:
        """One by key."""
        ...

    def artifacts(self, scope: str, form: str | None, cube: str | None) -> list[ArtifactRow]:
        """Those of a form, or made from a cube; payloads may be left out."""
        ...

    def fresh_artifacts(self, scope: str, keys: Sequence[str]) -> set[str]:
        """The freshness join for many: those of some keys that are known in the scope, with current
        sources, and continue only what is known and current."""
        ...

    def unknown_artifacts(self, keys: Sequence[str]) -> set[str]:
        """Those of some keys that no artifact of the whole store has."""
        ...

    def stale_sources(self, key: str) -> tuple[str, ...]:
        """The freshness join for one artifact: its sources, and those of what it continues, that
        are no longer current."""
        ...

    def sweep(self, scope: str, actor: str) -> list[str]:
        """Delete stale artifacts, what continues them, and their files; their keys."""
        ...

    def drop_artifacts(self, scope: str, keys: Sequence[str], actor: str) -> list[str]:
        """Delete those of some artifacts that lie in a scope, fresh or not, what continues them,
        and their files; the keys of all that went."""
        ...

    # what is promoted, and what was said of answers
    def promotions(
        self, scope: str, alias: str | None = None, model: str | None = None
    ) -> list[Promotion]:
        """What became of the aliases of a scope, oldest first."""
        ...

    def promote(self, move: Promotion, expected: int) -> Promotion:
        """Write the next line of an alias's past, if the newest is still number `expected` (0:
        there is none); raises AliasMoved."""
        ...

    def outcomes(self, scope: str, keys: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """(helpful, unhelpful) judgements of artifacts by key; see `judge`."""
        ...

    # places of bytes that are neither in the store nor beside it (see `mnemon.removal`)
    def places(self) -> list[Place]:
        """All places where bytes of artifacts may lie."""
        ...

    def add_place(self, address: str, host: str | None, mark: str) -> Place:
        """From now on bytes may lie there; the place that is there already, with the new mark."""
        ...

    def leave_place(self, place: Place) -> int:
        """The place is no more; how many removals went undone with it."""
        ...

    def waiting(self) -> list[Waiting]:
        """The outbox: deleted artifacts whose bytes may still lie in places. Who deletes artifacts
        writes into it in the same transaction."""
        ...

    def removed(self, one: Waiting) -> None:
        """The bytes of a deletion are gone from its place."""
        ...

    def not_removed(self, place: Place) -> None:
        """The place could not be reached."""
        ...
