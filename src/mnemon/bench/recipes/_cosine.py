"""Turns by cosine of their vectors with the question's, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from mnemon import methods
from mnemon.bench.case import Turn, line
from mnemon.models.embed import Embedder


@dataclass(frozen=True)
class Cosines:
    """Turns by their ids, and their vectors float32 [N, D]."""

    ids: list[str]
    vectors: np.ndarray
    embedder: Embedder

    def order(self, question: str, k: int) -> list[str]:
        """Ids, best first; every turn has some cosine, so k of them."""
        cosine = self._of(question)
        return [self.ids[place] for place in np.argsort(-cosine, kind="stable")[:k].tolist()]

    def best(self, question: str) -> float:
        """The highest cosine; 0.0 without a turn."""
        return float(self._of(question).max()) if self.ids else 0.0

    def _of(self, question: str) -> np.ndarray:
        cosine: np.ndarray = self.vectors @ self.embedder.embed_query(question)
        return cosine


def untuned(name: str) -> Embedder:
    """A method of the slot `models.embed` without what was learned of recall: that saw the
    questions which the bench asks."""
    embedder: Embedder = methods.load("models.embed", name)
    if "tuning" in getattr(embedder, "__dataclass_fields__", {}):
        embedder = replace(cast(Any, embedder), tuning="")
    return embedder


def by_cosine(turns: Sequence[Turn], embedder: Embedder) -> Cosines:
    """The turns embedded, in RAM."""
    lines = [line(turn) for turn in turns]
    return Cosines([turn.id for turn in turns], embedder.embed(lines), embedder)
