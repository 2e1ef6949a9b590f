"""Headers of versions as columns: about 70 bytes a version instead of a tuple of objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mnemon import analysis
from mnemon.store.index.grown import Grown
from mnemon.store.rows import Headers
from mnemon.store.view import Names

FOREVER = int(np.iinfo(np.int64).max)

_TYPES: dict[str, Any] = {
    "row": np.int64, "namespace": np.int32, "kind": np.int32, "speaker": np.int32,
    "session": np.int32, "valid_from": np.int64, "valid_to": np.int64, "recorded_at": np.int64,
    "retired_at": np.int64, "length": np.float32, "asks": np.bool_, "readers": np.int32,
}  # fmt: skip


class Columns:
    """The versions of a scope in row order. Index i is the same version in every column.

    `kind`, `speaker`, `session` and `readers` are codes of `names`; times without an end are
    FOREVER. `soonest_end` and `restricted` tell filters when there is nothing to compare.
    """

    def __init__(self) -> None:
        self.names = Names()
        self.nums: list[int] = []  # of the namespaces these versions may lie in
        self._columns = {name: Grown(np.zeros(0, dtype)) for name, dtype in _TYPES.items()}
        self.soonest_end = FOREVER
        self.restricted = False
        self._speaking: set[int] = set()  # whose names are not yet in `_named`
        self._named: dict[str, set[int]] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name].rows

    def __len__(self) -> int:
        return len(self._columns["row"])

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(column.nbytes for column in self._columns.values())

    @property
    def last(self) -> int:
        """The newest row; 0 when there is none."""
        return int(self["row"][-1]) if len(self) else 0

    def extend(self, headers: Headers) -> None:
        """Append versions. Rows that came out of order (of several namespaces) are put in order."""
        listed = dict(zip(Headers.NAMES, zip(*headers.columns, strict=True), strict=True))
        for name, column in self._columns.items():
            column.extend(self._typed(name, listed[name]))
        self._note(len(self) - len(headers.columns))

    def sort(self, start: int) -> None:
        """Put the rows from `start` on in order."""
        order = np.argsort(self["row"][start:], kind="stable")
        for column in self._columns.values():
            column.rows[start:] = column.rows[start:][order]

    def _typed(self, name: str, values: Sequence[Any]) -> np.ndarray:
        if name in ("kind", "speaker", "session", "readers"):
            codes = {value: self.names.add(value) for value in dict.fromkeys(values)}
            return np.fromiter(map(codes.__getitem__, values), np.int32, len(values))
        if name in ("valid_to", "retired_at"):
            values = [FOREVER if value is None else value for value in values]
        return np.asarray(values, dtype=_TYPES[name])

    def _note(self, start: int) -> None:
        if start < len(self):
            self.soonest_end = min(self.soonest_end, int(self["valid_to"][start:].min()))
            self.restricted |= bool((self["readers"][start:] >= 0).any())
            # np.unique would import numpy.ma: a twentieth of what a cold search takes.
            counts = np.bincount(self["speaker"][start:] + 1)  # NOBODY is -1
            self._speaking.update(np.flatnonzero(counts[1:]).tolist())

    def named(self, terms: Iterable[str]) -> tuple[set[str], np.ndarray]:
        """(which terms are in speakers' names, by code whether a text is such a name)."""
        while self._speaking:
            code = self._speaking.pop()
            for term in analysis.terms(self.names.text(code) or ""):
                self._named.setdefault(term, set()).add(code)
        names = self._named.keys() & set(terms)
        said = np.zeros(len(self.names) + 1, dtype=bool)
        said[[code for term in names for code in self._named[term]]] = True
        return names, said

    def index(self, rows: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(indices, whether each row is here at all)."""
        known = self["row"]
        wanted = np.asarray(rows, dtype=np.int64)
        if len(known) and known[-1] - known[0] == len(known) - 1:  # without gaps: no searching
            at = wanted - known[0]
            return at, (at >= 0) & (at < len(known))
        at = np.searchsorted(known, wanted)
        here = at < len(known)
        here[here] = known[at[here]] == wanted[here]
        return at, here

    def may_read(self, reader: str) -> np.ndarray:
        """Which versions name no readers, or this one: bool [N]."""
        codes = self["readers"]
        allowed = np.zeros(len(self.names) + 1, dtype=bool)
        allowed[-1] = True  # where NOBODY, -1, points
        for code in np.unique(codes[codes >= 0]).tolist():
            allowed[code] = reader in json.loads(self.names.text(code) or "[]")
        found: np.ndarray = allowed[codes]
        return found

    def dump(self) -> tuple[dict[str, np.ndarray], list[str]]:
        """(arrays, names) to be saved."""
        return {name: self[name] for name in _TYPES}, self.names.texts()

    @classmethod
    def load(cls, arrays: Mapping[str, np.ndarray], names: Sequence[str]) -> Columns:
        """The inverse of `dump`."""
        made = cls()
        for name in names:
            made.names.add(name)
        made._columns = {n: Grown(np.array(arrays[n], dtype=t)) for n, t in _TYPES.items()}
        made._note(0)
        return made
