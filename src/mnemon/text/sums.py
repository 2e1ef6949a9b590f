"""Sums: how long the weighted sums of neighbouring turns' vectors are, whatever is asked.

A turn, its neighbours, their vectors and what each weighs stay the same from question to question,
so the length is found out once and kept with the scope; a question then costs no vectors at all. A
turn that gets another neighbour is looked at again.
"""

from __future__ import annotations

import threading
from itertools import repeat
from weakref import WeakKeyDictionary

import numpy as np

from mnemon.store.index.grown import Grown
from mnemon.store.view import Names, View

_MOST = 100_000  # turns kept of a scope, at some 170 bytes
_NOBODY = -1


class _Turns:
    """Row → place; for each place the rows that were summed, and the sums' lengths. Place 0 is that
    of no turn."""

    def __init__(self, space: str | None, kinds: int, width: int) -> None:
        self.space = space
        self.places: dict[int, int] = {}
        self.rows = Grown(np.full((1, width), _NOBODY, dtype=np.int64))
        self.lengths = Grown(np.zeros((1, kinds), dtype=np.float32))


class Sums:
    """Of the turns of one scope. Safe to use from many threads."""

    def __init__(self) -> None:
        self._turns = _Turns(None, 1, 1)
        self._lock = threading.Lock()

    def lengths(self, view: View, around: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """float32 [C, K] of K sums for int [C, W]: each candidate first, then others; N is none.

        `weights` float32 [C, K, W] must follow from what the turns are.
        """
        turns = self._turns
        if turns.space != view.space or len(turns.rows) > _MOST:
            turns = self._turns = _Turns(view.space, *weights.shape[1:])
        rows = np.where(around < len(view.rows), view.rows.take(around, mode="clip"), _NOBODY)
        at = np.fromiter(map(turns.places.get, rows[:, 0].tolist(), repeat(0)), np.intp, len(rows))
        stale = (turns.rows.rows.take(at, axis=0) != rows).any(axis=1)
        found = turns.lengths.rows.take(at, axis=0)
        if stale.any():
            found[stale] = _lengths(view, around[stale], weights[stale])
            self._keep(turns, rows[stale], found[stale])
        return found

    def _keep(self, turns: _Turns, rows: np.ndarray, lengths: np.ndarray) -> None:
        with self._lock:
            start = len(turns.rows)
            turns.lengths.extend(lengths)
            turns.rows.extend(rows)
            places = range(start, start + len(rows))
            turns.places.update(zip(rows[:, 0].tolist(), places, strict=True))


def _lengths(view: View, around: np.ndarray, weights: np.ndarray) -> np.ndarray:
    assert view.embedded is not None
    there = np.minimum(around, len(view.rows) - 1)  # what is not there weighs nothing
    turns = view.embedded.rows(there.ravel())
    sums = np.matmul(weights, turns.reshape(*around.shape, -1))
    lengths: np.ndarray = np.sqrt(np.einsum("ckd,ckd->ck", sums, sums))
    return lengths


_kept: WeakKeyDictionary[Names, Sums] = WeakKeyDictionary()


def of(view: View) -> Sums:
    """What is known of the turns of a view's scope."""
    found = _kept.get(view.names)
    return _kept.setdefault(view.names, Sums()) if found is None else found
