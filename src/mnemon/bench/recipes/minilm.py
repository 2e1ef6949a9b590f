"""all-MiniLM-L6-v2 alone: exact cosine over the turns as they are, with the neural network itself.

Model: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), fetched by the
sentence-transformers library on first use. No known difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mnemon import methods
from mnemon.bench.case import Turn
from mnemon.bench.recipes._cosine import by_cosine
from mnemon.bench.recipes._plain import Scored, costs

__all__ = ["MiniLM"]


@dataclass(frozen=True)
class MiniLM:
    """Options: hub name or folder, and `revision` (a commit; "" is the newest)."""

    model: str = "sentence-transformers/all-MiniLM-L6-v2"
    revision: str = ""

    needs: ClassVar[tuple[str, ...]] = (
        "sentence_transformers",
        "sentence-transformers",
        "sentence-transformers",
    )

    def at_hand(self) -> bool:
        """Whether it is a folder, or was fetched before."""
        from huggingface_hub import try_to_load_from_cache

        told = {"revision": self.revision} if self.revision else {}
        found = Path(self.model).is_dir() or try_to_load_from_cache(
            self.model, "config.json", **told
        )
        return bool(found)

    def ingest(self, turns: Sequence[Turn]) -> Scored:
        """Vectors in RAM."""
        options = {"model": self.model, "revision": self.revision}
        embedder = methods.load("models.embed", "sentence-transformers", **options)
        cosines = by_cosine(turns, embedder)
        return Scored(costs(turns), cosines.order, top=cosines.best)
