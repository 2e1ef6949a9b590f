"""Mnemon itself, by its public calls: `add`, `search`, and `recall` under a budget.

A memory in RAM for each conversation. Recalled text has dates and numbers, which count. On a
conversation that the bundled ranker was fitted on, a ranker that never saw it takes its place
(`bench/folds/`, made by `scripts/train_ranker.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from mnemon import methods
from mnemon.bench.case import Turn
from mnemon.cube import Hit
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.text.rerank import listnet

__all__ = ["Mnemon"]


_FOLDS = Path(__file__).parent.parent / "folds"


@dataclass(frozen=True)
class Mnemon:
    """Options: a `program` of the slot `text.programs`, an `embedder` of `models.embed`, a file of
    `weights` for the program's ranker (None: the bundled ones)."""

    program: str = "default"
    embedder: str = "static"
    weights: str | None = None

    needs: ClassVar[tuple[str, ...]] = ()

    def unseen(self, case: str) -> Mnemon:
        """This system as far as nothing in it was fitted on a conversation.

        Raises:
            InvalidInput: the bundled ranker saw it and no fold's ranker is without it.
        """
        if self.weights is not None or case not in listnet.load(listnet.BUNDLED).fitted_on:
            return self
        for fold in sorted(_FOLDS.glob("*.json")):
            if case not in listnet.load(fold).fitted_on:
                return replace(self, weights=str(fold))
        raise InvalidInput(f"every ranker was fitted on {case}: run scripts/train_ranker.py")

    def ingest(self, turns: Sequence[Turn]) -> Remembered:
        """One batch, as an import makes it."""
        program = methods.load("text.programs", self.program)
        if self.weights is not None and program.rerank is not None:
            name, options = program.rerank
            program = replace(program, rerank=(name, {**options, "weights": self.weights}))
        memory = Memory(":memory:", program=program, embedder=self.embedder)
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
