"""Covering: the set of lines that is worth most for its tokens.

Lin & Bilmes 2010, "Multi-document Summarization via Budgeted Maximization of Submodular Functions",
NAACL, https://aclanthology.org/N10-1134/, algorithm 1: take what adds most value per token, and
compare with the best single line in the end; the value has diminishing returns (Lin & Bilmes 2011,
"A Class of Submodular Functions for Document Summarization", ACL,
https://aclanthology.org/P11-1052/). How ours differs:

- A line is worth the chance that it holds the answer, times the part of its words that no line
  taken says yet: a repetition is worth little, another part of the question is worth all of it.
- The chance is the score divided by the rank, since answers compete: it serves calibrated and
  other scores alike.
- The heading of a day not yet there is part of the price.
- Lines of a conversation depend on each other. A bare reply is bought with the turn before it, a
  question with the turn after it, and beside a line that is taken the same speaker's next line is
  worth a share of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.text.select import Lines, Room
from mnemon.text.select._overlap import Said

__all__ = ["Covering"]

_TELLING = 0.01  # what is less certain leaves the worth of other lines as it was


@dataclass(frozen=True)
class Covering:
    """Options.

    Attributes:
        r: the exponent of the price, as in the paper: 1 is value per token, 0 is value alone. With
            1, scores that are not quite right let many short lines win over the likeliest.
        burst: the share of a line's chance that the same speaker's line beside it has.
    """

    r: float = 0.5
    burst: float = 0.5

    def select(self, lines: Lines, room: Room) -> None:
        """Take the line (with what it needs) of most value per token, again and again."""
        if not len(lines.scores):
            return
        chances = lines.scores / np.arange(1.0, len(lines.scores) + 1.0)
        fitting = np.where(lines.costs + lines.headings <= room.left, chances, 0.0)
        best = int(np.argmax(fitting))
        basket = _Basket(lines, chances, self)
        basket.fill(room)
        if fitting[best] > chances[basket.taken].sum():
            room.clear()
            basket = _Basket(lines, chances, self)
            basket.take(best, room)
            basket.fill(room)


class _Basket:
    """What is taken, and what each other line is worth beside it: arrays [C], of which some have a
    place C more that stands for nothing."""

    def __init__(self, lines: Lines, chances: np.ndarray, told: Covering) -> None:
        total = len(chances)
        self._lines, self._chances, self._told = lines, chances, told
        self._worth = np.append(chances, 0.0)
        self._unsaid = np.ones(total)
        self._costs = np.append(lines.costs, 0.0)
        self._headings = lines.headings.copy()  # still to be paid
        self._needs = np.where(lines.bare, lines.before, np.where(lines.asks, lines.after, total))
        self._needed = set(self._needs.tolist())
        self._open = np.ones(total, dtype=bool)  # not yet tried,
        self._able = chances > 0.0  # and worth something
        self._said: Said | None = None
        self.taken = np.zeros(total, dtype=bool)
        self._price()

    def fill(self, room: Room) -> None:
        """Take what is worth taking and fits."""
        while True:
            values = self._worth[:-1] * self._unsaid + self._worth.take(self._needs)
            fitting = self._able & (self._prices <= room.left)
            values = np.where(fitting, values / self._powers, -1.0)
            place = int(values.argmax())
            if values[place] < 0.0:
                return
            self.take(place, room)

    def take(self, place: int, room: Room) -> None:
        """Take a line with what it needs, if they fit."""
        needed = int(self._needs[place])
        group = [place] if needed == len(self._chances) else [place, needed]
        self._open[place] = self._able[place] = False
        if not room.take(group):
            return
        for one in group:
            self._mark(one)
        self._say([one for one in group if self._chances[one] > _TELLING])

    def _mark(self, place: int) -> None:
        lines = self._lines
        self.taken[place] = True
        self._open[place] = self._able[place] = False
        if self._headings[place] > 0.0 or place in self._needed:
            self._headings[lines.days == lines.days[place]] = 0.0
            self._needs[self._needs == place] = len(self._chances)
            self._price()
        for beside in (int(lines.before[place]), int(lines.after[place])):
            if beside < len(self._chances) and lines.speakers[beside] == lines.speakers[place]:
                share = self._told.burst * self._chances[place]
                self._worth[beside] = max(self._worth[beside], share)
                self._able[beside] = self._open[beside] and self._worth[beside] > 0.0

    def _price(self) -> None:
        """What lines cost, in tokens and as it counts against their worth."""
        self._prices = self._lines.costs + self._headings + self._costs.take(self._needs)
        self._powers = self._prices**self._told.r

    def _say(self, places: list[int]) -> None:
        if places:
            self._said = self._said or Said(self._lines)
            for place in places:
                self._said.say(place, float(self._chances[place]))
            self._unsaid = self._said.unsaid()
