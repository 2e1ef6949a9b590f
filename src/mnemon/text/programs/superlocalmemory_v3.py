"""SuperLocalMemory V3: words, a Fisher metric of meaning, entities and time, fused by rank; no LLM.

Bhardwaj 2026, https://arxiv.org/abs/2603.14588. How ours differs: see `retrieve/fisher.py`,
`maintain/langevin.py` and `maintain/sheaf.py`, each of which can be left out; the weights of the
fusion are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["SuperLocalMemoryV3"]


@dataclass(frozen=True)
class SuperLocalMemoryV3:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(
        default=(
            ("words", 1.0, {}),
            ("fisher", 0.5, {}),
            ("entities", 0.25, {}),
            ("time", 0.5, {}),
        )
    )
    fusion: tuple[str, dict[str, Any]] = ("rrf", {"k": 8.0})
    rerank: tuple[str, dict[str, Any]] | None = None
    maintain: Sequence[str] = ("expire", "sheaf", "langevin")
