"""Usage states as a Markov chain: learned as questions come, solved for what is to be expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.schedule.states import ITEMS, STATES, unlearned
from mnemon.schedule.trace import Flags, Floats, Ints

_AROUND = STATES // ITEMS
_DOUBT = 50.0


class Chain:
    """Counts of what followed what in one step of some questions, fading by `keep` a step.

    A state that was seldom seen is taken for the mean of its own use, times what its surroundings
    make of that elsewhere.
    """

    def __init__(self, keep: float, prior: float, step: int) -> None:
        self._keep, self._prior, self._before = keep, prior, unlearned(step)
        self._seen = np.zeros(STATES)
        self._used = np.zeros(STATES)
        self._idle, self._busy = _Moves(), _Moves()

    def learn(self, before: Ints, after: Ints, used: Flags) -> None:
        """One step of every cube: its states, and whether it was used meanwhile."""
        self._seen = self._seen * self._keep + np.bincount(before, minlength=STATES)
        self._used = self._used * self._keep + np.bincount(before[used], minlength=STATES)
        self._idle.add(before[~used], after[~used], self._keep)
        self._busy.add(before[used], after[used], self._keep)

    def chances(self) -> Floats:
        """Of being used in a step, by state."""
        seen, used = self._seen.reshape(ITEMS, _AROUND), self._used.reshape(ITEMS, _AROUND)
        own = (used.sum(1) + _DOUBT * self._before) / (seen.sum(1) + _DOUBT)
        expected = seen * own[:, None]
        times = np.empty_like(seen)
        for some in (slice(0, 1), slice(1, None)):
            times[some] = (used[some].sum(0) + 5) / (expected[some].sum(0) + 5)
        prior = np.minimum(own[:, None] * times, 0.9).ravel()
        found: Floats = (self._used + self._prior * prior) / (self._seen + self._prior)
        return found

    def uses(self, chances: Floats, kept: float, uses: Floats, sweeps: int) -> Floats:
        """Expected uses while kept, by state: each step it is kept with probability `kept`.

        Args:
            uses: what was found before; each sweep makes it better.
        """
        idle, busy = self._idle.rows(), self._busy.rows()
        for _ in range(sweeps):
            after_use, after_none = busy.mean(uses), idle.mean(uses)
            uses = chances * (1 + kept * after_use) + (1 - chances) * kept * after_none
        return uses

    def first(self, chances: Floats, kept: float, first: Floats, sweeps: int) -> Floats:
        """The probability of being used at all while kept, by state; as `uses`."""
        idle = self._idle.rows()
        for _ in range(sweeps):
            first = chances + (1 - chances) * kept * idle.mean(first)
        return first


class _Moves:
    """Counts of (from, to)."""

    def __init__(self) -> None:
        self._pairs: Ints = np.zeros(0, np.int64)
        self._counts: Floats = np.zeros(0)

    def add(self, before: Ints, after: Ints, keep: float) -> None:
        new, times = np.unique(before * STATES + after, return_counts=True)
        pairs, place = np.unique(np.concatenate([self._pairs, new]), return_inverse=True)
        both: Floats = np.concatenate([self._counts * keep, times.astype(np.float64)])
        counts = np.bincount(place, both).astype(np.float64)
        kept = counts > 0.01
        self._pairs, self._counts = pairs[kept], counts[kept]

    def rows(self) -> _Rows:
        before, after = self._pairs // STATES, self._pairs % STATES
        total = np.bincount(before, self._counts, STATES)
        return _Rows(before, after, self._counts / total[before], total > 0)


@dataclass(frozen=True)
class _Rows:
    before: Ints
    after: Ints
    share: Floats
    known: Flags

    def mean(self, values: Floats) -> Floats:
        """Of what follows each state; of one that nothing followed yet, a little less than it."""
        found = np.bincount(self.before, self.share * values[self.after], STATES)
        return np.where(self.known, found, 0.9 * values)
