"""The default program: verbatim turns; words with neighbours, meaning and time; fused, reranked.

No LLM. Neighbours enter in `retrieve/words.py` and among the signals of `rerank/listnet.py`,
whose best `rerank/setrank.py` looks at together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Default"]


@dataclass(frozen=True)
class Default:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(
        default=(("words", 1.0, {}), ("meaning", 1.0, {}), ("time", 0.8, {}))
    )
    fusion: tuple[str, dict[str, Any]] = ("zscore", {})
    rerank: tuple[str, dict[str, Any]] | None = ("setrank", {})
    maintain: Sequence[str] = ("expire",)
    select: tuple[str, dict[str, Any]] = ("covering", {})
