"""The default program: verbatim turns; words, meaning and neighbours; reciprocal-rank fusion.

No LLM. Neighbours enter inside both channels (see `retrieve/words.py` and `retrieve/meaning.py`).
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
        default=(("words", 1.0, {}), ("meaning", 0.5, {}))
    )
    fusion: tuple[str, dict[str, Any]] = ("rrf", {"k": 8.0})
    maintain: Sequence[str] = ("expire",)
