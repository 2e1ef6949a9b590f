"""One measured number, and how calls are timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mnemon.bench.metrics import quantile


@dataclass(frozen=True, slots=True)
class Value:
    """One measured number. `size` is the cubes in the store (after adds), `count` how often."""

    name: str
    value: float
    unit: str
    size: int
    count: int


def timed(call: Callable[[Any], object], given: Any) -> float:
    """Seconds that `call(given)` takes."""
    started = time.perf_counter()
    call(given)
    return time.perf_counter() - started


def spread(name: str, times: Sequence[float], size: int) -> list[Value]:
    """p50 and p95 of milliseconds."""
    return [
        Value(f"{name}, {label}", round(quantile(times, share), 3), "ms", size, len(times))
        for label, share in (("p50", 0.5), ("p95", 0.95))
    ]


def typical(name: str, rounds: Sequence[Sequence[float]], size: int) -> list[Value]:
    """p50 and p95 of milliseconds, each the median over rounds: one busy moment of a shared machine
    spoils one round."""
    calls = sum(len(times) for times in rounds)
    told = []
    for label, share in (("p50", 0.5), ("p95", 0.95)):
        each = [quantile(times, share) for times in rounds]
        told.append(Value(f"{name}, {label}", median(each), "ms", size, calls))
    return told


def median(values: Sequence[float]) -> float:
    """The middle value, to three digits."""
    return round(quantile(values, 0.5), 3)
