"""The slot `text.retrieve`: channels, each ranking the cubes of a view by one kind of evidence."""

from __future__ import annotations

from typing import Protocol

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking


class Retrieve(Protocol):
    """One channel."""

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Eligible cubes with any evidence at all, best first; scores are this channel's own."""
        ...
