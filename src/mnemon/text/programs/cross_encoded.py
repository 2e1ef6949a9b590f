"""The default program with a cross-encoder's second reading of the best: slower and better.

Made for the embedder `minilm`, with which it shares the base model (`rerank/cross_encoder.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CrossEncoded"]


@dataclass(frozen=True)
class CrossEncoded:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(
        default=(("words", 1.0, {}), ("meaning", 0.5, {}), ("time", 0.8, {}))
    )
    fusion: tuple[str, dict[str, Any]] = ("zscore", {})
    rerank: tuple[str, dict[str, Any]] | None = ("cross-encoder", {})
    maintain: Sequence[str] = ("expire",)
    select: tuple[str, dict[str, Any]] = ("covering", {})
