"""Scope: what ranking sees of one namespace, kept in memory and caught up before every search.

Headers and vectors of every version, posting lists on demand. Rows only ever append (a row number
is never used twice); retirements come from the journal; a purge starts the scope over. So another
process's write is seen by the next search, and a forgotten cube is never ranked.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from mnemon.instant import now_micros
from mnemon.store.neighbours import neighbours
from mnemon.store.packing import unpack
from mnemon.store.protocol import Store
from mnemon.store.rows import Filter, Headers
from mnemon.store.view import Names, View

FOREVER = np.iinfo(np.int64).max
_MOST_TERMS = 4096


class Scope:
    """The versions of a namespace and all below it, as columns in row order."""

    def __init__(self, store: Store, namespace: str) -> None:
        self._store = store
        self._namespace = namespace
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._seq = -1
        self._nums: list[int] = []
        self._columns = _columns(Headers([]), Names())
        self._names = Names()
        self._readers: dict[int, frozenset[str]] = {}
        self._terms: OrderedDict[str, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._vectors: dict[str, np.ndarray] = {}
        self._current: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def bytes(self) -> int:
        """What the scope holds in memory, roughly."""
        held = sum(column.nbytes for column in self._columns.values())
        return held + sum(matrix.nbytes for matrix in self._vectors.values())

    def view(self, chosen: Filter, space: str | None, terms: Sequence[str], seq: int) -> View:
        """What a search under a filter may see, at the journal's `seq` or later."""
        with self._lock:
            if self._seq < seq:
                self._catch_up()
            alive, before, after = self._alive(chosen)
            eligible = alive & self._matching(chosen)
            rows = self._columns["row"]
            postings = dict(zip(terms, self._postings(terms), strict=True))
            return View(
                rows=rows,
                eligible=eligible,
                before=before,
                after=after,
                speakers=self._columns["speaker"],
                names=self._names,
                valid_from=self._columns["valid_from"],
                lengths=self._columns["length"],
                sessions=self._columns["session"],
                asks=self._columns["asks"],
                postings=postings,
                vectors=None if space is None else self._space(space),
                population=int(np.count_nonzero(alive)),
                mean_length=float(self._columns["length"][alive].mean()) if alive.any() else 1.0,
                frequency={
                    term: int(np.count_nonzero(alive[where]))
                    for term, (where, _) in postings.items()
                },
                texts=lambda indices: self._store.contents(rows[list(indices)].tolist()),
            )

    def _catch_up(self) -> None:
        if self._seq == self._store.sequence():
            return
        seen = None
        if self._seq >= 0:
            changes = self._store.changes(self._seq)
            if changes.rebuild:
                self._clear()
            else:
                self._retire(changes.retired)
                seen = changes.seq
        last = int(self._columns["row"][-1]) if len(self._columns["row"]) else 0
        newest, self._nums, headers = self._store.headers(self._namespace, last)
        # What was written between these two reads may have ended older rows: look again next time.
        self._seq = newest if seen is None else seen
        self._current = None
        if headers.columns:
            self._append(headers)

    def _retire(self, ended: Sequence[tuple[int, int | None]]) -> None:
        rows, moments = self._columns["row"], self._columns["retired_at"].copy()
        for row, moment in ended:
            at = int(np.searchsorted(rows, row))
            if at < len(rows) and rows[at] == row and moment is not None:
                moments[at] = moment
        self._columns["retired_at"] = moments

    def _append(self, headers: Headers) -> None:
        start = len(self._columns["row"])
        for i, listed in enumerate(column[-1] for column in headers.columns):
            if listed is not None:
                self._readers[start + i] = frozenset(json.loads(listed))
        fresh = _columns(headers, self._names)
        self._columns = {
            name: np.concatenate([column, fresh[name]]) for name, column in self._columns.items()
        }
        self._terms.clear()

    def _alive(self, chosen: Filter) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which rows exist at the filter's moment, and each one's conversation neighbours."""
        columns = self._columns
        if chosen.as_of is not None:
            alive = columns["recorded_at"] <= chosen.as_of
            alive &= columns["retired_at"] > chosen.as_of
            return alive, *neighbours(columns, alive)
        if self._current is None:
            alive = columns["retired_at"] == FOREVER
            self._current = alive, *neighbours(columns, alive)
        return self._current

    def _matching(self, chosen: Filter) -> np.ndarray:
        columns, names = self._columns, self._names
        keep = np.ones(len(columns["row"]), dtype=bool)
        if chosen.valid_at is not None:
            keep &= columns["valid_from"] <= chosen.valid_at
            keep &= columns["valid_to"] > chosen.valid_at
        elif not chosen.ended:
            moment = chosen.as_of if chosen.as_of is not None else now_micros()
            keep &= columns["valid_to"] > moment
        if chosen.kinds is not None:
            keep &= np.isin(columns["kind"], [names.code(kind) for kind in chosen.kinds])
        if chosen.speaker is not None:
            keep &= columns["speaker"] == names.code(chosen.speaker)
        if chosen.session is not None:
            keep &= columns["session"] == names.code(chosen.session)
        if chosen.since is not None:
            keep &= columns["valid_from"] >= chosen.since
        if chosen.until is not None:
            keep &= columns["valid_from"] < chosen.until
        if chosen.reader is not None:
            hidden = [i for i, who in self._readers.items() if chosen.reader not in who]
            keep[hidden] = False
        return keep

    def _postings(self, terms: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        unread = [term for term in terms if term not in self._terms]
        for term, rows in zip(unread, self._store.postings(self._nums, unread), strict=True):
            self._terms[term] = self._located(rows)
        for term in terms:
            self._terms.move_to_end(term)
        found = [self._terms[term] for term in terms]
        while len(self._terms) > _MOST_TERMS:
            self._terms.popitem(last=False)
        return found

    def _located(self, rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
        unique, counts = np.unique(np.asarray(rows, dtype=np.int64), return_counts=True)
        known = self._columns["row"]
        at = np.searchsorted(known, unique)
        # Another process may have written a row after our headers: it is for the next search.
        here = at < len(known)
        here[here] = known[at[here]] == unique[here]
        return at[here].astype(np.int32), counts[here].astype(np.float32)

    def _space(self, space: str) -> np.ndarray | None:
        rows = self._columns["row"]
        matrix = self._vectors.get(space)
        have = 0 if matrix is None else len(matrix)
        if matrix is not None and have == len(rows):
            return matrix
        fresh = self._read_vectors(space, have)
        if fresh is None:
            return None
        self._vectors = {space: fresh if matrix is None else np.concatenate([matrix, fresh])}
        return self._vectors[space]

    def _read_vectors(self, space: str, have: int) -> np.ndarray | None:
        dimension = next((s.dimension for s in self._store.spaces() if s.name == space), None)
        if dimension is None:
            return None
        rows = self._columns["row"]
        last = int(rows[have - 1]) if have else 0
        found = self._store.vectors(self._nums, space, last)
        fresh = np.zeros((len(rows) - have, dimension), dtype=np.float32)
        if found:
            at, inside = _places(rows, [row for row, _ in found])
            fresh[at[inside] - have] = unpack([blob for _, blob in found], dimension)[inside]
        return fresh


def _places(rows: np.ndarray, wanted: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    at = np.searchsorted(rows, wanted)
    inside = at < len(rows)
    inside[inside] = rows[at[inside]] == np.asarray(wanted)[inside]
    return at, inside


def _columns(headers: Headers, names: Names) -> dict[str, np.ndarray]:
    columns = list(zip(*headers.columns, strict=True)) or [()] * len(Headers.NAMES)
    by_name = dict(zip(Headers.NAMES, columns, strict=True))
    coded = ("kind", "speaker", "session")
    result = {
        name: np.asarray(by_name[name], dtype=np.int64)
        for name in ("row", "namespace", "valid_from", "recorded_at")
    }
    result["length"] = np.asarray(by_name["length"], dtype=np.float32)
    result["asks"] = np.asarray(by_name["asks"], dtype=bool)
    for name in ("valid_to", "retired_at"):
        filled = [FOREVER if value is None else value for value in by_name[name]]
        result[name] = np.asarray(filled, dtype=np.int64)
    for name in coded:
        codes = [names.add(value) for value in by_name[name]]
        result[name] = np.asarray(codes, dtype=np.int32)
    return result
