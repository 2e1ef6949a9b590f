"""Moments: the versions of a big scope that are of the days a question names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BY_TIME = 200
_LOOKED_AT = 3000  # of these days, where a filter leaves few


@dataclass(frozen=True, slots=True)
class InTime:
    """Versions int32 [N] in the order of `moments` int64 [N]."""

    order: np.ndarray
    moments: np.ndarray

    @classmethod
    def of(cls, moments: np.ndarray) -> InTime:
        """Of versions in recording order, which mostly is their order in time."""
        order = np.argsort(moments, kind="stable").astype(np.int32)
        return cls(order, moments.take(order))


def by_time(times: InTime, first: int, last: int, eligible: np.ndarray) -> np.ndarray:
    """Eligible versions from one microsecond to another, and, if these are few, the nearest on
    either side."""
    start, end = times.moments.searchsorted([first, last + 1]).tolist()
    found: list[np.ndarray] = []
    for part in (
        times.order[start : min(end, start + _LOOKED_AT)],
        times.order[end : end + BY_TIME],
        times.order[max(0, start - BY_TIME) : start][::-1],
    ):
        left = BY_TIME - sum(len(one) for one in found)
        found.append(part[eligible.take(part)][:left])
    return np.concatenate(found)
