"""Time: cubes of the days that a question asks about, by their own date or by those they speak of.

"in March", "two weeks ago", "the Friday before 15 July" become days, seen from when the question is
asked; "two weeks before her birthday" becomes the days before those cubes that best match the
event. A cube counts by how near to these days it was said, or lies what it tells: one of 8 May that
says "last Friday" tells of 5 May. What happened is told soon after, so later counts more than
earlier. Nothing is ranked when a question names no time.

Campos et al. 2014, "Survey of Temporal Information Retrieval and Related Applications", ACM
Computing Surveys 47(2), https://doi.org/10.1145/2619088 (dates of documents, dates in their text,
dates in queries); exponential decay as in Li & Croft 2003, "Time-Based Language
Models", CIKM, https://doi.org/10.1145/956863.956951. How ours differs: decay is from the asked
days, on both sides and as wide as they are, not from the present; events described in words are
anchors; and content dates are read in a bounded number of cubes: the best of the channels before
this one, and those nearest in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing
from mnemon.text.retrieve._asked_time import Asked, asked, day_of, days_of, number_of, times
from mnemon.text.when import When

__all__ = ["Time"]

_CEILING = 2.0  # the right day alone is half an answer


@dataclass(frozen=True)
class Time:
    """Options.

    Attributes:
        sharpness: days in which what a cube is worth falls to a third are one more than the asked
            days divided by this; twice as many, and two more, after them.
        topic: what share of its worth a cube that no channel before this one found loses.
        read: so many cubes are read for the times they speak of.
        anchors: so many cubes may be an event that the question describes.
        least: what a cube must at least be worth, of 1.0 for one of the very days.
        most: at most so many cubes are returned.
    """

    sharpness: float = 4.0
    topic: float = 0.5
    read: int = 120
    anchors: int = 3
    least: float = 0.05
    most: int = 200

    def expand(self, view: View, query: Query, rankings: Mapping[str, Ranking]) -> Ranking:
        """Cubes of, or about, the asked days."""
        wanted = asked(view, query, self.anchors) if view.eligible.any() else []
        if not wanted:
            return nothing("time")
        worth = self._own(days_of(view), wanted)
        topical = _topical(view, rankings)
        for index, told in self._told(view, wanted, self._likely(view, worth, topical)).items():
            worth[index] = max(worth[index], told)
        found = np.flatnonzero(view.eligible & (worth >= self.least))
        scores = worth[found] * (1.0 - self.topic + self.topic * topical[found])
        why = partial(self._why, view, wanted)
        return best("time", found, scores.astype(np.float32), self.most, _CEILING, why)

    def _own(self, days: np.ndarray, wanted: Sequence[Asked]) -> np.ndarray:
        """What each day int64 [N] is worth, float64 [N] in [0, 1]."""
        worth = np.zeros(len(days))
        for one in wanted:
            reach = 1.0 + (one.last - one.first + 1) / self.sharpness
            before, after = (1.0 if one.side == 1 else reach), (2.0 * reach + 2.0)
            early = np.maximum(one.first - days, 0) / before
            late = np.maximum(days - one.last, 0) / (1.0 if one.side == -1 else after)
            np.maximum(worth, one.weight * np.exp(-(early + late)), out=worth)
        return worth

    def _likely(self, view: View, worth: np.ndarray, topical: np.ndarray) -> list[int]:
        """Which cubes to read: half those found by others, half those said near the asked days."""
        near = np.where(view.eligible & (worth < 1.0), worth, 0.0)
        half = self.read // 2
        chosen: set[int] = set()
        for scores in (np.where(view.eligible, topical, 0.0), near):
            found = np.flatnonzero(scores > 0)
            if len(found) > half:
                found = found[np.argsort(-scores[found], kind="stable")[:half]]
            chosen.update(found.tolist())
        return sorted(chosen)

    def _told(
        self, view: View, wanted: Sequence[Asked], indices: Sequence[int]
    ) -> dict[int, float]:
        """What the times that cubes speak of are worth."""
        worth = {}
        for index, told in zip(indices, times.of(view, indices), strict=True):
            if told:
                worth[index] = max(_shared(when, one) for when in told for one in wanted)
        return worth

    def _why(self, view: View, wanted: Sequence[Asked], indices: Sequence[int]) -> list[str]:
        """The time that each cube is of or speaks of, and the asked days that are nearest to it."""
        days = days_of(view)
        own = {one: self._own(days, [one]) for one in wanted}
        told = []
        for index, whens in zip(indices, times.of(view, indices), strict=True):
            near = max(wanted, key=lambda one: own[one][index])
            says = max(
                ((_shared(when, one), when, one) for when in whens for one in wanted),
                key=lambda found: found[0], default=None,
            )  # fmt: skip
            if says is not None and says[0] >= own[near][index]:
                _, when, near = says
                found = f"says “{when.text}”: {_shown(number_of(when.first), number_of(when.last))}"
            else:
                found = f"of {_shown(int(days[index]), int(days[index]))}"
            told.append(f"{found}; asked “{near.text}”: {_shown(near.first, near.last)}")
        return told


def _topical(view: View, rankings: Mapping[str, Ranking]) -> np.ndarray:
    """How near each cube comes to the best of any channel before: float64 [N] in [0, 1]; 1.0 for
    all if there is none."""
    if not rankings:
        return np.ones(len(view.rows))
    topical = np.zeros(len(view.rows))
    for ranking in rankings.values():
        if len(ranking.scores) and ranking.scores[0] > 0:
            near = np.maximum(ranking.scores / ranking.scores[0], 0.0)
            topical[ranking.indices] = np.maximum(topical[ranking.indices], near)
    return topical


def _shared(when: When, one: Asked) -> float:
    """How much of what is told lies in the asked days, or of these in it."""
    first, last = number_of(when.first), number_of(when.last)
    both = min(last, one.last) - max(first, one.first) + 1
    if both <= 0 or when.loose:
        return 0.0
    wider = max(1.0, (last - first + 1) / (one.last - one.first + 2))
    return float(one.weight * both / min(last - first + 1, one.last - one.first + 1) / wider**0.5)


def _shown(first: int, last: int) -> str:
    """Days for people: "5 May 2023", "1 to 31 May 2023"."""
    start, end = (day_of(number * 86_400_000_000) for number in (first, last))
    told = f"{end.day} {end:%b} {end.year}"
    if start == end:
        return told
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day} to {told}"
    return f"{start.day} {start:%b}{'' if start.year == end.year else f' {start.year}'} to {told}"
