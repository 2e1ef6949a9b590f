"""Which versions of a view are records that upkeep derived, and of what; and which were put in."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from mnemon.store.view import Names, View
from mnemon.text.kinds import RECORDS

_SOURCE = "source"
_kept: WeakKeyDictionary[Names, dict[int, np.ndarray]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Records:
    """Pairs of a record and one of its sources, both eligible: int32 [E] each, in the order of the
    records; `turns` bool [N]: eligible, and no record."""

    record: np.ndarray
    source: np.ndarray
    turns: np.ndarray

    def of(self, view: View, *kinds: str) -> tuple[np.ndarray, np.ndarray]:
        """The pairs (record, source) int32 of some kinds."""
        codes = [view.names.code(kind) for kind in kinds]
        chosen = np.isin(view.kinds[self.record], codes)
        return self.record[chosen], self.source[chosen]


def records(view: View) -> Records:
    """The records of a view with their sources, read from the store once a record.

    A cube of such a kind that cites nothing was put in by somebody. Among candidates of a big
    scope that cannot be told, for its sources may be elsewhere: there it is left out.
    """
    codes = [view.names.code(kind) for kind in RECORDS]
    found = np.flatnonzero(view.eligible & np.isin(view.kinds, codes)).astype(np.int32)
    sources = _sources(view, found)
    counts = [len(rows) for rows in sources]
    record = np.repeat(found, counts)
    rows = np.concatenate([np.zeros(0, np.int64), *sources])
    source = np.searchsorted(view.rows, rows).astype(np.int32)
    turns = view.eligible.copy()
    turns[record if view.regime == "whole" else found] = False
    here = view.eligible[source]
    return Records(record[here], source[here], turns)


def _sources(view: View, found: np.ndarray) -> list[np.ndarray]:
    """For each of some versions the rows int64 of its sources, ascending.

    What a version was made from never changes, so it is kept with the scope; but a view of
    candidates knows only the sources that are among them.
    """
    kept = _kept.setdefault(view.names, {}) if view.regime == "whole" else {}
    rows = view.rows[found].tolist()
    unread = found[[row not in kept for row in rows]] if rows else found
    if len(unread):
        edges = view.edges(unread.tolist())
        cites = np.asarray([type == _SOURCE for type in edges.types], dtype=bool)
        order = np.lexsort((edges.dst[cites], edges.src[cites]))
        src, dst = edges.src[cites][order], edges.dst[cites][order]
        starts, ends = np.searchsorted(src, unread), np.searchsorted(src, unread, "right")
        for index, start, end in zip(unread, starts, ends, strict=True):
            kept[int(view.rows[index])] = view.rows[dst[start:end]]
    return [kept[row] for row in rows]
