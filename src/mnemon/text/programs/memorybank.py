"""MemoryBank: closeness in meaning, and a forgetting curve: what is recalled stays.

Zhong et al. 2023, https://arxiv.org/abs/2305.10250. How ours differs: no summaries and no portrait
of the user, which there an LLM writes; see `maintain/forgetting_curve.py`. `reflect` forgets: run
it once a day, as the paper does. The channel `retention` lets what fades sink in a ranking too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MemoryBank"]


@dataclass(frozen=True)
class MemoryBank:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(
        default=(("meaning", 1.0, {"asking": 1.0}),)
    )
    fusion: tuple[str, dict[str, Any]] = ("rrf", {})
    rerank: tuple[str, dict[str, Any]] | None = None
    maintain: Sequence[str] = ("expire", "forgetting-curve")
