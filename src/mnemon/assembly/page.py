"""Page: a text under a token budget, counted exactly as lines are put in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from mnemon.assembly.meter import Meter
from mnemon.assembly.text import number, opening


class Entry(NamedTuple):
    """A line before it has its number: `order` sorts it, `heading` is its day's, `label` says who,
    `digit` whether its words begin with one; `tokens` are those of its words and its end."""

    order: tuple[int, int]
    heading: str
    label: str
    digit: bool
    tokens: int


class Page:
    """A budget being filled with entries; see `mnemon.text.select.Room`.

    What a line costs depends on its neighbours on the page: the first of a day pays the heading,
    and one below a line of the same speaker does not name him.
    """

    def __init__(self, entries: Sequence[Entry], budget: int, meter: Meter) -> None:
        self._entries, self._budget, self._meter = entries, budget, meter
        self.clear()

    def clear(self) -> None:
        """Give back everything taken."""
        self.left = self._budget
        self.taken: list[int] = []
        self._lines: list[tuple[tuple[int, int], int]] = []

    def take(self, places: Sequence[int]) -> bool:
        """Put these entries in, all or none; whether they fitted."""
        spent = 0
        put: list[int] = []
        for place in places:
            line = (self._entries[place].order, place)
            at = bisect_left(self._lines, line)
            spent -= self._cost(at)
            self._lines.insert(at, line)
            put.append(at)
            spent += self._cost(at) + self._cost(at + 1)
            spent += self._meter.of(number(len(self._lines)))
        if spent > self.left:
            for at in reversed(put):
                del self._lines[at]
            return False
        self.left -= spent
        self.taken += places
        return True

    def _cost(self, at: int) -> int:
        """Tokens of the line at a place of the page, its number aside; 0 past the end."""
        if at >= len(self._lines):
            return 0
        entry = self._entries[self._lines[at][1]]
        above = self._entries[self._lines[at - 1][1]] if at else None
        if above is None or above.heading != entry.heading:
            return self._meter.of(entry.heading) + self._below(entry, "")
        return self._below(entry, above.label)

    def _below(self, entry: Entry, above: str) -> int:
        return self._meter.of(opening(entry.label, above, entry.digit)) + entry.tokens
