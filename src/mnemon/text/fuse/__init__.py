"""The slot `text.fuse`: fusions, each making one ranking of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mnemon.text.query import Ranking


class Fuse(Protocol):
    """One way to merge rankings."""

    def fuse(self, rankings: Sequence[Ranking], weights: Sequence[float]) -> Ranking:
        """One ranking, best first, with scores in [0, 1]."""
        ...
