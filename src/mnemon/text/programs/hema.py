"""HEMA: a running summary that is always there, and the salient turns by likeness; no LLM.

Ahn 2025, https://arxiv.org/abs/2504.16754. How ours differs: see `retrieve/dual.py`; `reflect`
makes the running summary and the digests it is made of, by extraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["HEMA"]


@dataclass(frozen=True)
class HEMA:
    """Options are the composition itself: replace a field to try another."""

    represent: str = "turns"
    channels: Sequence[tuple[str, float, dict[str, Any]]] = field(default=(("dual", 1.0, {}),))
    fusion: tuple[str, dict[str, Any]] = ("rrf", {})
    rerank: tuple[str, dict[str, Any]] | None = None
    maintain: Sequence[str] = ("expire", "digests", "running-summary")
