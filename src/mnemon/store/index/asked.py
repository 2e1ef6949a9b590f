"""Asked: what the candidates of a big scope are looked for by, and looking for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.store.index.candidates import Step, gathered
from mnemon.store.index.columns import Columns
from mnemon.store.index.holding import Statistics, by_words
from mnemon.store.index.lists import Wanted
from mnemon.store.index.moments import InTime, by_time
from mnemon.store.index.nearest import Nearest
from mnemon.store.index.terms import Postings

BY_MEANING = 450
BY_COMPOUND = 64

Days = tuple[int, int]
"""Microseconds: from the first, to the last."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question's terms, its vector float32 [D], and the days that it names."""

    terms: Sequence[str]
    vector: np.ndarray | None
    days: Sequence[Days]

    def candidates(
        self,
        columns: Columns,
        postings: Mapping[str, Postings],
        statistics: Statistics,
        nearest: Nearest | None,
        in_time: Callable[[], InTime],
        step: Step,
        eligible: np.ndarray,
        mean_length: float,
    ) -> np.ndarray:
        """Indices of versions, ascending; `postings` may be of less likely terms too."""
        said = {term: postings[term] for term in self.terms}
        holding = by_words(columns, said, statistics, step, eligible, mean_length)
        rest = postings.keys() - said.keys()
        others = [_newest(postings[term], eligible) for term in rest]
        others += [by_time(in_time(), *days, eligible) for days in self.days]
        near = self._near(nearest, columns["asks"], eligible)
        return gathered(near, holding, others, step, len(eligible))

    def _near(
        self, nearest: Nearest | None, asks: np.ndarray, eligible: np.ndarray
    ) -> list[np.ndarray]:
        """The nearest eligible versions that tell, and a few that ask, best first."""
        if nearest is None or self.vector is None:
            return []
        group = eligible.view(np.uint8) + (eligible & asks)  # 1 tells, 2 asks
        return nearest.find(self.vector, Wanted(group, (BY_MEANING, BY_MEANING // 4)))


def _newest(postings: Postings, eligible: np.ndarray) -> np.ndarray:
    """The eligible ones of the last versions that hold a term, ascending."""
    where = postings[0][-BY_COMPOUND:]
    found: np.ndarray = where[eligible.take(where)]
    return found
