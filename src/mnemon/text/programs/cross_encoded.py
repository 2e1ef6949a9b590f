"""The default program with a cross-encoder's second reading of the best: slower and better.

Made for the embedder `minilm`, with which it shares the base model (`rerank/cross_encoder.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnemon.text.programs.default import Default

__all__ = ["CrossEncoded"]


@dataclass(frozen=True)
class CrossEncoded(Default):
    """Options as of `default`."""

    rerank: tuple[str, dict[str, Any]] | None = ("cross-encoder", {})
