"""HyMem-lite: short statements first, raw turns where these do not support the question; no LLM.

Zhao et al. 2026, https://arxiv.org/abs/2602.13933. How ours differs: see `retrieve/tiers.py`;
`reflect` makes the statements, by extraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["HyMemLite"]


@dataclass(frozen=True)
class HyMemLite:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(default=(("tiers", 1.0, {}),))
    fusion: tuple[str, dict[str, Any]] = ("rrf", {})
    rerank: tuple[str, dict[str, Any]] | None = None
    maintain: Sequence[str] = ("expire", "events")
