"""The bundled embedder alone: exact cosine over the turns as they are.

What a plain vector store does with the model that Mnemon ships, before it was tuned for recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mnemon.bench.case import Turn
from mnemon.bench.recipes._cosine import by_cosine, untuned
from mnemon.bench.recipes._plain import Scored, costs
from mnemon.embedding import DEFAULT

__all__ = ["Vectors"]


@dataclass(frozen=True)
class Vectors:
    """Option: a method of the slot `models.embed`."""

    embedder: str = DEFAULT

    needs: ClassVar[tuple[str, ...]] = ()

    def ingest(self, turns: Sequence[Turn]) -> Scored:
        """Vectors in RAM."""
        cosines = by_cosine(turns, untuned(self.embedder))
        return Scored(costs(turns), cosines.order, top=cosines.best)
