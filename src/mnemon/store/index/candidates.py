"""Candidates: the few thousand versions of a big scope that a question may be about.

Those nearest in meaning by the lists, those that hold its words, those of the days that it names,
and the turns around them, in which a channel may look for what the turn itself leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mnemon.store.index.terms import Postings

Step = Callable[[np.ndarray, bool], np.ndarray]
"""(indices, forward) → the next or previous turn of each, -1 where there is none."""

REACH = (4, 3)  # turns before and after
_SURE = 200  # so many of the nearest in meaning bring the turns around them,
_CLOSE = (3, 2)  # fewer on either side
_ALONE = (0, 0)


def within(chosen: np.ndarray, postings: Postings) -> Postings:
    """Postings of the versions at `chosen` ascending [M] only, as indices into `chosen`."""
    where, counts = postings
    if not len(where) or not len(chosen):
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    if len(where) < len(chosen):
        at = np.searchsorted(chosen, where)
        at[at == len(chosen)] = 0
        here = chosen[at] == where
        return at[here].astype(np.int32), counts[here]
    at = np.searchsorted(where, chosen.astype(where.dtype))
    at[at == len(where)] = 0
    here = where[at] == chosen
    return np.flatnonzero(here).astype(np.int32), counts[at[here]]


def around(
    seeds: Sequence[tuple[np.ndarray, tuple[int, int]]], step: Step, total: int
) -> np.ndarray:
    """Seeds and the turns up to (so many before, so many after) them, ascending, of `total`."""
    inside = np.zeros(total, dtype=bool)  # marking is faster than sorting
    for seed, reach in seeds:
        inside[seed] = True
        for forward, steps in zip((False, True), reach, strict=True):
            places = seed
            for _ in range(steps):
                places = step(places, forward)
                places = places[places >= 0]
                inside[places] = True
    return np.flatnonzero(inside)


def gathered(
    nearest: Sequence[np.ndarray],
    holding: np.ndarray,
    others: Sequence[np.ndarray],
    step: Step,
    total: int,
) -> np.ndarray:
    """One ascending set of candidates by meaning and by words (each best first), the best of them
    with the turns around, and by whatever else."""
    close = [(found[:_SURE], _CLOSE) for found in nearest]
    rest = [(found, _ALONE) for found in (*others, *(found[_SURE:] for found in nearest))]
    return around([(holding, REACH), *close, *rest], step, total)


def local_steps(chosen: np.ndarray, step: Step) -> Sequence[np.ndarray]:
    """(before, after) int32 [M+1] as a view has them, among the chosen ones [M]."""
    total = len(chosen)
    made = []
    for forward in (False, True):
        beside = step(chosen, forward)
        at = np.arange(total) + (1 if forward else -1)  # where it mostly is
        here = chosen.take(at, mode="clip") == beside
        far = np.flatnonzero(~here & (beside >= 0))
        where = np.searchsorted(chosen, beside.take(far))
        where[where == total] = 0
        at[far], here[far] = where, chosen.take(where) == beside.take(far)
        made.append(np.append(np.where(here, at, total), total).astype(np.int32))
    return made


def stepping(beside: tuple[np.ndarray, np.ndarray]) -> Step:
    """Steps along (before, after) int32 [N+1] as a view has them."""
    total = len(beside[0]) - 1

    def step(where: np.ndarray, forward: bool) -> np.ndarray:
        found: np.ndarray = beside[forward][where]
        found[found == total] = -1
        return found

    return step
