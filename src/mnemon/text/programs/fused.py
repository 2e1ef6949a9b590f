"""The default program without its learned ranker: words and meaning, fused by reciprocal rank.

For those who want nothing fitted, and to see in the bench what the ranker is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Fused"]


@dataclass(frozen=True)
class Fused:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(
        default=(("words", 1.0, {}), ("meaning", 0.5, {}))
    )
    fusion: tuple[str, dict[str, Any]] = ("rrf", {"k": 8.0})
    rerank: tuple[str, dict[str, Any]] | None = None
    maintain: Sequence[str] = ("expire",)
