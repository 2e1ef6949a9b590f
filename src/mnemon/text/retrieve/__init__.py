"""The slot `text.retrieve`: channels, each ranking the cubes of a view by one kind of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking


class Retrieve(Protocol):
    """One channel."""

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Eligible cubes with any evidence at all, best first; scores are this channel's own."""
        ...


@runtime_checkable
class Expand(Protocol):
    """A channel that starts from what others found. It has `expand` instead of `retrieve`."""

    def expand(self, view: View, query: Query, rankings: Mapping[str, Ranking]) -> Ranking:
        """The same, given the rankings of the channels listed before it, by name."""
        ...
