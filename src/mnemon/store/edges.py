"""Edges: what links the versions of a view, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Edges:
    """Links between versions of a view, and from derived versions to their sources (type
    "source"): E of them, int32 [E] indices from and to, float32 [E] weights."""

    src: np.ndarray
    dst: np.ndarray
    weights: np.ndarray
    types: tuple[str, ...]


def touching(store: Store, rows: np.ndarray, some: Sequence[int], as_of: int | None) -> Edges:
    """The edges of `some` indices into `rows` int64 [N] ascending, at a moment or now."""
    found = store.edges(rows[list(some)].tolist(), as_of)
    ends = np.asarray([(src, dst) for src, dst, _, _ in found], dtype=np.int64).reshape(-1, 2)
    at = np.minimum(np.searchsorted(rows, ends), max(0, len(rows) - 1))
    here = (rows[at] == ends).all(axis=1) if len(ends) else np.zeros(0, dtype=bool)
    weights = np.asarray([weight for _, _, weight, _ in found], dtype=np.float32)
    types = tuple(type for (_, _, _, type), inside in zip(found, here, strict=True) if inside)
    src, dst = at[here].astype(np.int32).T
    return Edges(src, dst, weights[here], types)
