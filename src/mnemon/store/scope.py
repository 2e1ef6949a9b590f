"""Scope: what ranking sees of one namespace, kept in memory and caught up before every search.

Headers of every version as columns, posting lists on demand, and vectors. Rows only ever append (a
row number is never used twice); retirements come from the journal; a purge starts the scope over.
So another process's write is seen by the next search, and a forgotten cube is never ranked.

A scope of up to `LIMIT` versions is ranked whole. Of a bigger one a view has the versions that a
filter leaves, if these are few, or else candidates from an approximate index (`index/`); the
statistics of terms are of the whole scope in any case. At 50,000 versions either takes as long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.instant import now_micros
from mnemon.store.edges import touching
from mnemon.store.index import candidates
from mnemon.store.index.asked import Asked, Days
from mnemon.store.index.building import Builds
from mnemon.store.index.codes import Codes
from mnemon.store.index.columns import FOREVER, Columns
from mnemon.store.index.filters import matching
from mnemon.store.index.foresight import Foresight
from mnemon.store.index.grown import Grown
from mnemon.store.index.holding import Statistics
from mnemon.store.index.moments import InTime
from mnemon.store.index.nearest import caught_up
from mnemon.store.index.terms import Postings, Terms
from mnemon.store.index.upkeep import State, Upkeep
from mnemon.store.neighbours import Chains, in_order, neighbours
from mnemon.store.protocol import Store
from mnemon.store.rows import Filter
from mnemon.store.vectors import Vectors
from mnemon.store.view import View

LIMIT = 50_000
FEW = 8_000
"""A filter that leaves so many versions or fewer of a big scope is searched exactly."""

_SEEN = ("row", "speaker", "valid_from", "length", "session", "asks", "kind")  # by a view
_READ_AGAIN = 4096  # more changes than this are slower to follow than a small scope to read
_OVERHEAD = 16_384  # bytes of an empty scope's objects


@dataclass(frozen=True, slots=True)
class _Moment:
    """Which versions exist at a moment, how many terms they have, and who follows whom."""

    alive: np.ndarray
    population: int
    mean_length: float
    step: candidates.Step
    beside: tuple[np.ndarray, np.ndarray] | None
    at: int
    as_of: int | None
    space: str | None


class Scope:
    """The versions of a namespace and all below it, as columns in row order."""

    def __init__(self, store: Store, namespace: str, builds: Builds | None = None) -> None:
        self._store = store
        self._namespace = namespace
        self._lock = threading.Lock()
        builds = builds or Builds()
        self._upkeep = Upkeep(store, namespace, builds, self._lock, self._state)
        self._ahead = Foresight(
            store, builds, self._lock, lambda: (self._terms, self._columns, self._alive.rows)
        )
        self._clear()

    def _clear(self) -> None:
        self._seq = -1
        self._columns = Columns()
        self._alive = Grown(np.zeros(0, dtype=bool))
        self._ended = 0
        self._lengths = 0.0  # of current versions, in all
        self._chains = Chains()
        self._beside: tuple[np.ndarray, np.ndarray] | None = None
        self._order: np.ndarray | None = None
        self._when: InTime | None = None
        self._terms = Terms()
        self._frequency: dict[str, int] = {}  # of current versions
        self._codes: dict[str, Codes] = {}  # of a small scope, by space
        self._vectors: dict[str, Vectors] = {}
        self._upkeep.clear()

    @property
    def big(self) -> bool:
        """Whether it had more versions than are ranked whole when it was last looked at."""
        return len(self._columns) > LIMIT

    @property
    def bytes(self) -> int:
        """What the scope holds in memory, roughly."""
        held = self._columns.nbytes + self._chains.nbytes + self._terms.nbytes + _OVERHEAD
        held += sum(codes.nbytes for codes in self._codes.values())
        held += sum(one.made for one in self._vectors.values())
        return held + self._upkeep.nbytes

    def view(
        self,
        chosen: Filter,
        space: str | None,
        terms: Sequence[str],
        seq: int,
        vector: np.ndarray | None = None,
        *,
        compounds: Sequence[str] = (),
        days: Callable[[int], Sequence[Days]] = lambda now: (),
    ) -> View:
        """What a search under a filter may see, at the journal's `seq` or later.

        Of a big scope the candidates: what says the `terms` or, if less likely, the `compounds`,
        is nearest to the question's `vector` float32 [D], or is of the `days` that it names, seen
        from the microseconds of a moment.
        """
        with self._lock:
            self._ahead.note(bool(terms) or vector is not None)
            if self._seq < seq:
                self._catch_up(space)
            moment = self._moment(chosen, space)
            kept = matching(self._columns, chosen)
            eligible = moment.alive if kept is None else moment.alive & kept
            postings = self._terms.get((*terms, *compounds), self._columns, self._ahead.postings)
            known = self._frequency if chosen.as_of is None else {}
            statistics = Statistics.of(moment.population, moment.alive, postings, known)
            if len(self._columns) <= LIMIT:
                return self._whole(moment, eligible.copy(), postings, statistics)
            asked = Asked(terms, vector, days(moment.at))
            return self._narrow(moment, eligible, postings, statistics, asked)

    # following the store

    def _catch_up(self, space: str | None) -> None:
        newest = self._store.sequence(self._namespace)
        if self._seq == newest:
            return
        if 0 <= self._seq < newest - _READ_AGAIN and len(self._columns) < _READ_AGAIN:
            self._clear()
        if self._seq < 0:
            self._open(space)
        seen = None
        if self._seq >= 0:
            changes = self._store.changes(self._namespace, self._seq)
            if changes.rebuild:
                self._upkeep.discard(space, self._seq)
                self._clear()
            else:
                self._retire(changes.retired)
                seen = changes.seq
        start = len(self._columns)
        for newest, nums, part in self._store.scan_headers(self._namespace, self._columns.last):
            # What is written while these are read may end older rows: look again next time.
            self._seq, self._columns.nums = newest if seen is None else seen, nums
            if part.columns:
                self._columns.extend(part)
        if len(self._columns) > start:
            self._append(start)

    def _retire(self, ended: Sequence[tuple[int, int | None]]) -> None:
        columns, alive = self._columns, self._alive.rows
        at, here = columns.index([row for row, _ in ended])
        for index, known, (_, moment) in zip(at.tolist(), here.tolist(), ended, strict=True):
            if known and moment is not None:
                columns["retired_at"][index] = moment
                if alive[index]:
                    alive[index] = False
                    self._ended += 1
                    self._lengths -= float(columns["length"][index])
                    self._chains.end(columns, index)
                    self._beside, self._frequency = None, {}

    def _append(self, start: int) -> None:
        columns = self._columns
        if len(columns.nums) > 1:
            columns.sort(start)
        fresh = columns["retired_at"][start:] == FOREVER
        self._alive.extend(fresh)
        self._ended += int(np.count_nonzero(~fresh))
        self._lengths += float(columns["length"][start:][fresh].sum(dtype=np.float64))
        self._chains.extend(columns, self._alive.rows)
        self._beside = self._order = self._when = None
        self._frequency = {}
        if self._terms and len(columns) - start <= _READ_AGAIN:
            self._terms.extend(start, self._store.contents(columns["row"][start:].tolist()))
        else:
            self._terms.clear()

    def _open(self, space: str | None) -> None:
        saved = self._upkeep.open(space)
        if saved is None:
            return
        self._columns = Columns.load(saved.arrays, saved.told["names"])
        self._seq = saved.told["seq"]
        alive = self._columns["retired_at"] == FOREVER
        self._alive = Grown(alive)
        self._ended = int(np.count_nonzero(~alive))
        self._lengths = float(self._columns["length"][alive].sum(dtype=np.float64))
        self._chains = Chains.load(saved.arrays)

    def _state(self) -> State:
        arrays, names = self._columns.dump()
        every = {**arrays, **self._chains.dump()}
        return State(self._seq, {name: array.copy() for name, array in every.items()}, names)

    # one moment, one filter

    def _moment(self, chosen: Filter, space: str | None) -> _Moment:
        columns = self._columns
        if chosen.as_of is None:
            alive = self._alive.rows
            living = len(alive) - self._ended
            mean = self._lengths / living if living else 1.0
            if self._beside is None and len(columns) <= LIMIT:
                self._beside = self._chains.whole()
            now, step = now_micros(), self._chains.step
            return _Moment(alive, living, mean, step, self._beside, now, None, space)
        alive = columns["recorded_at"] <= chosen.as_of
        alive &= columns["retired_at"] > chosen.as_of
        if self._order is None:
            self._order = in_order(columns, np.ones(len(columns), dtype=bool))
        beside = neighbours(columns, alive, self._order)
        mean = float(columns["length"][alive].mean()) if alive.any() else 1.0
        living = int(np.count_nonzero(alive))
        then, steps = chosen.as_of, candidates.stepping(beside)
        return _Moment(alive, living, mean, steps, beside, then, then, space)

    def _in_time(self) -> InTime:
        if self._when is None:
            self._when = InTime.of(self._columns["valid_from"])
        return self._when

    # views

    def _whole(
        self,
        moment: _Moment,
        eligible: np.ndarray,
        postings: dict[str, Postings],
        statistics: Statistics,
    ) -> View:
        vectors = None if moment.space is None else self._space(moment.space)
        every, beside = slice(0, len(self._columns)), moment.beside
        assert beside is not None
        return self._made(every, eligible, moment, beside, postings, statistics, vectors, "whole")

    def _narrow(
        self,
        moment: _Moment,
        eligible: np.ndarray,
        postings: dict[str, Postings],
        statistics: Statistics,
        asked: Asked,
    ) -> View:
        self._codes, self._vectors = {}, {}
        nearest, total = self._upkeep.of(moment.space, self._columns), len(eligible)
        if np.count_nonzero(eligible) <= FEW:
            every = [(np.flatnonzero(eligible), candidates.REACH)]
            chosen, regime = candidates.around(every, moment.step, total), "chosen"
        else:
            chosen = asked.candidates(
                self._columns, postings, statistics, nearest, self._in_time, moment.step, eligible,
                moment.mean_length,
            )  # fmt: skip
            regime = "unindexed" if nearest is not None and not nearest.ready else "candidates"
        inside = {term: candidates.within(chosen, one) for term, one in postings.items()}
        before, after = candidates.local_steps(chosen, moment.step)
        vectors = None if nearest is None else Vectors(nearest.codes, chosen)
        return self._made(
            chosen, eligible[chosen], moment, (before, after), inside, statistics, vectors, regime
        )

    def _made(
        self,
        chosen: slice | np.ndarray,
        eligible: np.ndarray,
        moment: _Moment,
        beside: tuple[np.ndarray, np.ndarray],
        postings: dict[str, Postings],
        statistics: Statistics,
        vectors: Vectors | None,
        regime: str,
    ) -> View:
        columns = self._columns
        if isinstance(chosen, slice):
            part = {name: columns[name][chosen] for name in _SEEN}
        else:
            part = {name: columns[name].take(chosen) for name in _SEEN}
        rows = part["row"]
        return View(
            rows=rows,
            eligible=eligible,
            before=beside[0],
            after=beside[1],
            speakers=part["speaker"],
            names=columns.names,
            valid_from=part["valid_from"],
            lengths=part["length"],
            sessions=part["session"],
            asks=part["asks"],
            postings=postings,
            embedded=vectors,
            population=statistics.population,
            mean_length=moment.mean_length,
            frequency=statistics.frequency,
            texts=lambda indices: self._store.contents(rows[list(indices)].tolist()),
            kinds=part["kind"],
            now=moment.at,
            edges=lambda indices: touching(self._store, rows, indices, moment.as_of),
            usage=lambda indices: self._usage(rows[list(indices)]),
            space=moment.space,
            regime=regime,
            whole=self._ahead.whole,
        )

    def _usage(self, rows: np.ndarray) -> np.ndarray:
        counted = self._store.usage(rows.tolist())
        return np.asarray(counted, dtype=np.int64).reshape(len(rows), 4)

    def _space(self, space: str) -> Vectors | None:
        known = self._vectors.get(space)
        if known is not None and len(known.codes) == len(self._columns):
            return known
        codes = self._codes.get(space)
        codes = Codes.of(self._store, space) if codes is None else codes
        if codes is None:
            return None
        caught_up(codes, self._store, self._columns, space)
        self._codes = {space: codes}
        self._vectors = {space: Vectors(codes.first(len(codes)))}  # it grows, a view must not
        return self._vectors[space]
