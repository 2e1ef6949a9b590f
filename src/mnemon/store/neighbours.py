"""Who stands next to whom in a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from mnemon.store.index.grown import Grown

GAP = 30 * 60 * 1_000_000
"""Turns without a session belong together up to this many microseconds apart (half an hour)."""

_APART = -2
_SORTING = 25  # turns sorted in the time that one is inserted


class Table(Protocol):
    """Columns by name."""

    def __getitem__(self, name: str, /) -> np.ndarray: ...


def neighbours(
    columns: Table | Mapping[str, np.ndarray], alive: np.ndarray, order: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(before, after): int32 [N+1] each, the neighbour's index, or N where there is none.

    Neighbours share namespace and session and follow each other in time. Cubes without a session
    are neighbours when someone said them within GAP of each other; notes and facts have none.
    `order` is what `in_order` gives for all versions, if the caller kept it.
    """
    total = len(alive)
    before = np.full(total + 1, total, dtype=np.int32)
    after = np.full(total + 1, total, dtype=np.int32)
    order = in_order(columns, alive) if order is None else order[alive[order]]
    if len(order) < 2:
        return before, after
    left, right = order[:-1], order[1:]
    together = _together(columns, left, right)
    before[right[together]] = left[together]
    after[left[together]] = right[together]
    return before, after


def in_order(columns: Table | Mapping[str, np.ndarray], among: np.ndarray) -> np.ndarray:
    """Indices of the turns of conversations `among` bool [N], each one's one after the other."""
    talking = among & ((columns["session"] >= 0) | (columns["speaker"] >= 0))
    chosen = np.flatnonzero(talking).astype(np.int32)
    place, session, when = (columns[n][chosen] for n in ("namespace", "session", "valid_from"))
    order: np.ndarray = chosen[np.lexsort((chosen, when, session, place))]
    return order


def _together(
    columns: Table | Mapping[str, np.ndarray], left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    place, session, when = (columns[n] for n in ("namespace", "session", "valid_from"))
    same: np.ndarray = (place[left] == place[right]) & (session[left] == session[right])
    same &= (session[left] >= 0) | (when[right] - when[left] <= GAP)
    return same


def _conversation(columns: Table, where: np.ndarray) -> np.ndarray:
    """One number int64 for namespace and session."""
    place, session = columns["namespace"][where], columns["session"][where]
    number: np.ndarray = (place.astype(np.int64) << 32) + session + 1
    return number


class Chains:
    """The neighbours of the current versions, kept up as they come and go.

    One doubly linked list a conversation: a new turn is usually its last, so adding and ending
    cost the same in a scope of any size. A link between turns that are too far apart in time to be
    neighbours is kept as `_APART` less its end. `neighbours` is the plain version of the same.
    """

    def __init__(self) -> None:
        self._before, self._after = Grown(np.zeros(0, np.int32)), Grown(np.zeros(0, np.int32))
        self._tails: dict[int, int] = {}

    @property
    def nbytes(self) -> int:
        """Bytes held, the conversations' ends aside."""
        return self._before.nbytes + self._after.nbytes

    def extend(self, columns: Table, alive: np.ndarray) -> None:
        """Take in the versions that `columns` has gained."""
        start, total = len(self._before), len(alive)
        for links in (self._before, self._after):
            links.extend(np.full(total - start, -1, dtype=np.int32))
        if (total - start) * _SORTING > total:
            self._rebuild(columns, alive)
            return
        fresh = np.zeros(total, dtype=bool)
        fresh[start:] = alive[start:]
        for index in (start + in_order_of_tail(columns, fresh[start:], start)).tolist():
            self._insert(columns, index)

    def _rebuild(self, columns: Table, alive: np.ndarray) -> None:
        order = in_order(columns, alive)
        before, after = self._before.rows, self._after.rows
        before[:], after[:] = -1, -1
        keys = _conversation(columns, order)
        same = keys[1:] == keys[:-1]
        left, right = order[:-1][same], order[1:][same]
        near = _together(columns, left, right)
        before[right] = np.where(near, left, _APART - left)
        after[left] = np.where(near, right, _APART - right)
        ends = np.append(~same, True) if len(order) else np.zeros(0, dtype=bool)
        self._tails = dict(zip(keys[ends].tolist(), order[ends].tolist(), strict=True))

    def _insert(self, columns: Table, index: int) -> None:
        when, before = columns["valid_from"], self._before.rows
        key = int(_conversation(columns, np.array([index]))[0])
        left, right, moment = self._tails.get(key, -1), -1, when[index]
        while left >= 0 and (when[left], left) > (moment, index):
            left, right = _plain(before[left]), left
        self._join(columns, left, index)
        self._join(columns, index, right)
        if right < 0:
            self._tails[key] = index

    def end(self, columns: Table, index: int) -> None:
        """Take out a version that has ended."""
        before, after = self._before.rows, self._after.rows
        left, right = _plain(before[index]), _plain(after[index])
        before[index] = after[index] = -1
        self._join(columns, left, right)
        key = int(_conversation(columns, np.array([index]))[0])
        if self._tails.get(key) == index:
            if left >= 0:
                self._tails[key] = left
            else:
                del self._tails[key]

    def _join(self, columns: Table, left: int, right: int) -> None:
        when = columns["valid_from"]
        apart = left >= 0 and right >= 0 and columns["session"][left] < 0
        apart = apart and when[right] - when[left] > GAP
        if left >= 0:
            self._after.rows[left] = _APART - right if apart else right
        if right >= 0:
            self._before.rows[right] = _APART - left if apart else left

    def step(self, where: np.ndarray, forward: bool) -> np.ndarray:
        """The next (or previous) turn of each index in `where`, -1 where there is none."""
        found: np.ndarray = (self._after if forward else self._before).rows.take(where)
        np.maximum(found, -1, out=found)
        return found

    def whole(self) -> tuple[np.ndarray, np.ndarray]:
        """The same as `neighbours` of the current versions: int32 [N+1] each."""
        total = len(self._before)
        result = []
        for links in (self._before, self._after):
            found = np.append(links.rows, np.int32(total))
            found[found < 0] = total
            result.append(found)
        return result[0], result[1]

    def dump(self) -> dict[str, np.ndarray]:
        """Arrays to be saved."""
        tails = self._tails
        return {
            "before": self._before.rows, "after": self._after.rows,
            "conversations": np.fromiter(tails.keys(), np.int64, len(tails)),
            "tails": np.fromiter(tails.values(), np.int64, len(tails)),
        }  # fmt: skip

    @classmethod
    def load(cls, saved: Mapping[str, np.ndarray]) -> Chains:
        """The inverse of `dump`."""
        made = cls()
        made._before, made._after = (Grown(np.array(saved[n])) for n in ("before", "after"))
        keys, tails = saved["conversations"].tolist(), saved["tails"].tolist()
        made._tails = dict(zip(keys, tails, strict=True))
        return made


def _plain(link: int) -> int:
    value = int(link)
    return value if value >= -1 else _APART - value


def in_order_of_tail(columns: Table, among: np.ndarray, start: int) -> np.ndarray:
    """`in_order` of the versions from `start` on, counted from there."""
    names = ("namespace", "session", "valid_from", "speaker")
    return in_order({name: columns[name][start:] for name in names}, among)
