"""The slot `text.rerank`: a second, closer look at the best that the channels found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking


class Rerank(Protocol):
    """One way to look again."""

    def rerank(
        self, view: View, query: Query, rankings: Mapping[str, Ranking], fused: Ranking
    ) -> Ranking:
        """The cubes of `fused` in a better order, with scores in [0, 1]; none left out.

        `rankings` are the channels' own, by channel name.
        """
        ...
