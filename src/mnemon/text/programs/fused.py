"""The default program without its learned ranker: words and meaning, fused.

For those who want nothing fitted, and to see in the bench what the ranker is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnemon.text.programs.default import Default

__all__ = ["Fused"]


@dataclass(frozen=True)
class Fused(Default):
    """Options are the composition itself: replace a field to try another."""

    rerank: tuple[str, dict[str, Any]] | None = None
