"""The vectors of a big scope and their lists, caught up with the store, saved and opened again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mnemon.store.index.building import Check
from mnemon.store.index.clusters import Clusters
from mnemon.store.index.codes import Codes
from mnemon.store.index.columns import Columns
from mnemon.store.index.directions import Directions
from mnemon.store.index.lists import Lists, Wanted, highest
from mnemon.store.index.outlines import Outlines
from mnemon.store.packing import split
from mnemon.store.protocol import Store

_OUTLINES = ("means", "centres", "variances")


class Nearest:
    """Codes and lists of one embedding space; index i is version i of the scope."""

    def __init__(self, space: str, codes: Codes, lists: Lists | None = None) -> None:
        self.space = space
        self.codes = codes
        self._lists = lists

    @classmethod
    def empty(cls, store: Store, space: str) -> Nearest | None:
        """Nothing yet, of a space that the store has."""
        codes = Codes.of(store, space)
        return None if codes is None else cls(space, codes)

    @property
    def nbytes(self) -> int:
        """Bytes held or mapped."""
        return self.codes.nbytes + (self._lists.nbytes if self._lists else 0)

    def catch_up(self, store: Store, columns: Columns) -> None:
        """Take in the vectors of new versions."""
        if len(self.codes) < len(columns):
            caught_up(self.codes, store, columns, self.space)
        if self._lists is not None:
            self._lists.extend(self.codes)

    @property
    def ready(self) -> bool:
        """Whether there are lists; without them every vector is compared."""
        return self._lists is not None

    @property
    def wanting(self) -> bool:
        """Whether lists should be made, or made again."""
        return self._lists is None or self._lists.outgrown

    def plan(self) -> Callable[[Check], Lists]:
        """What makes lists of the vectors that are here now, in whatever thread."""
        codes, old = self.codes.first(len(self.codes)), self._lists
        return lambda check: Lists.build(codes, old, check)

    def put(self, lists: Lists) -> None:
        """Use lists that were made; what came meanwhile is their tail."""
        lists.extend(self.codes)
        self._lists = lists

    def find(self, vector: np.ndarray, wanted: Wanted) -> list[np.ndarray]:
        """For each group about its nearest indices, best first; exactly while not ready."""
        if not vector.any():
            return [np.zeros(0, dtype=np.int64) for _ in wanted.most]
        if self._lists is not None:
            return self._lists.nearest(self.codes, vector, wanted)
        scores = self.codes.all_scores(vector)
        found = []
        for number, most in enumerate(wanted.most, 1):
            ids = np.flatnonzero(wanted.group == number)
            found.append(highest(ids, scores[ids], most))
        return found

    def dump(self) -> Mapping[str, np.ndarray | Callable[[str], None]]:
        """Arrays to be saved, the large ones as what writes them; of this moment."""
        lists, codes = self._lists, self.codes.first(len(self.codes))
        assert lists is not None
        made: dict[str, Any] = {
            "codes": codes.write, "scales": codes.scales,
            "middle": lists.directions.middle, "basis": lists.directions.basis,
            "steps": lists.directions.steps,
            "offsets": lists.offsets, "ids": lists.ids, "short": lists.codes,
        }  # fmt: skip
        if lists.clusters is not None:
            made["centroids"] = lists.clusters.centroids
        if lists.outlines is not None:
            made |= {name: getattr(lists.outlines, name) for name in _OUTLINES}
        return made

    @classmethod
    def load(cls, space: str, saved: Mapping[str, np.ndarray], trained: int) -> Nearest:
        """The inverse of `dump`."""
        lists = Lists(
            Directions(saved["middle"], saved["basis"], saved["steps"]),
            Clusters(saved["centroids"]) if "centroids" in saved else None,
            saved["offsets"], saved["ids"], saved["short"], trained,
            Outlines(*(saved[name] for name in _OUTLINES)) if "means" in saved else None,
        )  # fmt: skip
        return cls(space, Codes(saved["codes"], saved["scales"]), lists)

    @property
    def trained(self) -> int:
        """How many vectors there were when the clusters were learnt."""
        return self._lists.trained if self._lists else 0


def caught_up(codes: Codes, store: Store, columns: Columns, space: str) -> None:
    """Take in the vectors of new versions."""
    have = len(codes)
    after = int(columns["row"][have - 1]) if have else 0
    codes.grow(len(columns))
    for rows, blobs in store.scan_vectors(columns.nums, space, after):
        at, here = columns.index(rows)
        codes.put(at[here], *(part[here] for part in split(blobs, len(rows))))
