"""Neighbours: what stands beside the best of other channels in the same conversation.

In a conversation the answer stands near what was asked about rather than in it. How near is counted
in words, not in lines: people who write in bursts say in six lines what others say in one, so that
short lines are crossed at little cost; and a pause moves lines apart.

No paper of its own. Passages that lend their score to the text around them: Callan 1994, "Passage-
Level Evidence in Document Retrieval", SIGIR, https://doi.org/10.1007/978-1-4471-2099-5_31; density
distributions over word positions, from which the decay with distance is: Kise et al. 2001, "Passage
Retrieval Based on Density Distributions of Terms", ICDAR. How ours differs: whole lines lend, each
its score of other channels, and time counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing
from mnemon.text.retrieve._seeds import seeds
from mnemon.text.retrieve._spelling import opening, spelled, texts_of

__all__ = ["Neighbours"]

_HOUR = 3_600_000_000


@dataclass(frozen=True)
class Neighbours:
    """Options.

    Attributes:
        beside: the channels whose best are begun from.
        seeds: so many of these.
        turn: terms of a line that counts as one step; a shorter one counts less, a longer one no
            more.
        least: what the shortest line counts, of a step.
        following, preceding: what a cube is worth one step after, or before, of what it stands by.
        pause: hours of silence that halve it.
        reach: lines on either side.
        most: at most so many cubes are returned.
    """

    beside: Sequence[str] = ("words", "meaning")
    seeds: int = 20
    turn: float = 12.0
    least: float = 0.2
    following: float = 0.6
    preceding: float = 0.4
    pause: float = 6.0
    reach: int = 6
    most: int = 200

    def expand(self, view: View, query: Query, rankings: Mapping[str, Ranking]) -> Ranking:
        """Cubes beside the best that the other channels found, however these rank themselves."""
        begun, weights = seeds(rankings, self.beside, self.seeds, "neighbours")
        scores = np.zeros(len(view.rows) + 1, dtype=np.float32)
        for forward in (True, False):
            for places, lent, _ in self._walk(view, begun, weights, forward):
                np.add.at(scores, places, lent)
        found = np.flatnonzero((scores[:-1] > 0) & view.eligible)
        if not len(found):
            return nothing("neighbours")
        why = partial(self._why, view, query, begun, weights)
        return best("neighbours", found, scores[found], self.most, np.inf, why)

    def _walk(
        self, view: View, begun: np.ndarray, weights: np.ndarray, forward: bool
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Line by line away from the seeds: (where, what is lent there, from which seed)."""
        total = len(view.rows)
        step = view.after if forward else view.before
        fading = self.following if forward else self.preceding
        sizes = np.clip(np.append(view.lengths, 0.0) / self.turn, self.least, 1.0)
        when = np.append(view.valid_from, 0)
        places, origins, lent = begun, begun, weights
        found = []
        for _ in range(self.reach):
            onward = step[places]
            there = onward < total
            places, onward, origins, lent = (a[there] for a in (places, onward, origins, lent))
            if not len(onward):
                break
            steps = (sizes[places] + sizes[onward]) / 2.0
            hours = np.abs(when[onward] - when[places]) / _HOUR
            lent = (lent * fading**steps / (1.0 + hours / self.pause)).astype(np.float32)
            places = onward
            found.append((places, lent, origins))
        return found

    def _why(
        self,
        view: View,
        query: Query,
        begun: np.ndarray,
        weights: np.ndarray,
        indices: Sequence[int],
    ) -> list[str]:
        """The line that lends most to each cube: how far it stands, and its words."""
        lenders: dict[int, tuple[float, int, str]] = {}
        for forward in (True, False):
            side = "before" if forward else "after"
            for away, (places, lent, origins) in enumerate(
                self._walk(view, begun, weights, forward), start=1
            ):
                far = f"{away} lines {side}" if away > 1 else f"the line {side}"
                for place, worth, origin in zip(
                    places.tolist(), lent.tolist(), origins.tolist(), strict=True
                ):
                    if place not in lenders or worth > lenders[place][0]:
                        lenders[place] = (worth, origin, far)
        texts = texts_of(view, [lenders[index][1] for index in indices])
        told = []
        for index in indices:
            _, origin, far = lenders[index]
            words = list(dict.fromkeys(spelled(texts[origin], query.terms).values()))
            told.append(f"beside {', '.join(words) or opening(texts[origin])} ({far})")
        return told
