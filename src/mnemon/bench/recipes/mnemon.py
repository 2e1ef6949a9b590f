"""Mnemon itself, by its public calls: `add`, `search`, and `recall` under a budget.

A memory in RAM for each conversation. Recalled text has dates and numbers, which count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mnemon.bench.case import Turn
from mnemon.cube import Hit
from mnemon.memory import Memory

__all__ = ["Mnemon"]


@dataclass(frozen=True)
class Mnemon:
    """Options: a `program` of the slot `text.programs`, an `embedder` of `models.embed`."""

    program: str = "default"
    embedder: str = "static"

    needs: ClassVar[tuple[str, ...]] = ()

    def ingest(self, turns: Sequence[Turn]) -> Remembered:
        """One batch, as an import makes it."""
        memory = Memory(":memory:", program=self.program, embedder=self.embedder)
        named = {turn.draft.key: turn.id for turn in turns}
        cubes = memory.add([turn.draft for turn in turns])
        return Remembered(memory, {cube.id: named[cube.key] for cube in cubes if cube.key in named})


@dataclass(frozen=True)
class Remembered:
    """A memory and which turn each cube is."""

    memory: Memory
    turns: dict[str, str]

    def rank(self, question: str, k: int) -> list[str]:
        return self._ids(self.memory.search(question, k))[:k]

    def within(self, question: str, tokens: int) -> list[str]:
        return self._ids(self.memory.recall(question, budget=tokens).hits)

    def close(self) -> None:
        self.memory.close()

    def _ids(self, hits: Iterable[Hit]) -> list[str]:
        """Turns in the order of hits; a cube that a program derived stands for its sources."""
        cubes = [
            id for hit in hits for id in (hit.cube.id, *(s.cube for s in hit.cube.provenance.spans))
        ]
        return list(dict.fromkeys(self.turns[id] for id in cubes if id in self.turns))
