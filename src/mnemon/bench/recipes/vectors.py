"""The bundled static embedder alone: exact cosine over the turns as they are.

What a plain vector store does with Mnemon's own embedder. No known difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mnemon import methods
from mnemon.bench.case import Turn
from mnemon.bench.recipes._cosine import by_cosine
from mnemon.bench.recipes._plain import Scored, costs

__all__ = ["Vectors"]


@dataclass(frozen=True)
class Vectors:
    """Option: a method of the slot `models.embed`."""

    embedder: str = "static"

    needs: ClassVar[tuple[str, ...]] = ()

    def ingest(self, turns: Sequence[Turn]) -> Scored:
        """Vectors in RAM."""
        embedder = methods.load("models.embed", self.embedder)
        cosines = by_cosine(turns, embedder)
        return Scored(costs(turns), cosines.order, top=cosines.best)
