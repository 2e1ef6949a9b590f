"""Think-in-Memory: thoughts in hash buckets, merged and forgotten after the fact; no LLM.

Liu et al. 2023, https://arxiv.org/abs/2311.08719. How ours differs: the thoughts are the turns
themselves, no LLM induces others from them; see `retrieve/lsh.py` and `maintain/post_thinking.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ThinkInMemory"]


@dataclass(frozen=True)
class ThinkInMemory:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(default=(("lsh", 1.0, {}),))
    fusion: tuple[str, dict[str, Any]] = ("rrf", {})
    rerank: tuple[str, dict[str, Any]] | None = None
    maintain: Sequence[str] = ("expire", "post-thinking")
