"""No memory at all: the floor under every table, and a check of the harness (all scores are 0)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mnemon.bench.case import Turn
from mnemon.bench.recipes._plain import Plain

__all__ = ["Nothing"]


@dataclass(frozen=True)
class Nothing:
    """No options."""

    needs: ClassVar[tuple[str, ...]] = ()

    def ingest(self, turns: Sequence[Turn]) -> Plain:
        """Forgets them."""
        return Plain({}, lambda question, k: [])
