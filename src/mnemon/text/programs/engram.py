"""ENGRAM: the best episodic, semantic and procedural records, their union as turns; no LLM.

Patel & Patel 2025, https://arxiv.org/abs/2511.12960. How ours differs: see `retrieve/typed.py`;
`reflect` makes the records, by rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ENGRAM"]


@dataclass(frozen=True)
class ENGRAM:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(default=(("typed", 1.0, {}),))
    fusion: tuple[str, dict[str, Any]] = ("rrf", {})
    rerank: tuple[str, dict[str, Any]] | None = None
    maintain: Sequence[str] = ("expire", "typed-records")
