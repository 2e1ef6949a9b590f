"""MemGAS: turns by what speaks for them as turn, session, summary and keywords; no LLM.

Xu et al. 2025, https://arxiv.org/abs/2505.19549. How ours differs: see
`retrieve/granularities.py`; `reflect` makes the summaries and keywords, by extraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MemGAS"]


@dataclass(frozen=True)
class MemGAS:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(
        default=(("granularities", 1.0, {}),)
    )
    fusion: tuple[str, dict[str, Any]] = ("rrf", {})
    rerank: tuple[str, dict[str, Any]] | None = None
    maintain: Sequence[str] = ("expire", "session-summaries", "session-keywords")
