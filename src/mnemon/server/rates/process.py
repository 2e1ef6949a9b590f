"""Buckets in this process: they are full when it begins, and two processes count apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from mnemon.server.rates.rate import Bucket, standing
from mnemon.server.rates.rates import Left, longest


class RatesInProcess:
    """See `Rates` for what each method promises. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[Bucket, tuple[float, float]] = {}

    def take(self, buckets: Sequence[Bucket]) -> Left:
        with self._lock:
            now = self._clock()
            have = {bucket: self._filled(bucket, now) for bucket in buckets}
            enough = all(one >= 1 for one in have.values())
            for bucket, one in have.items():
                self._buckets[bucket] = (one - enough, now)
        told = {
            bucket: standing(bucket, one - enough, one >= 1) for bucket, one in have.items()
        }  # fmt: skip
        standings = {bucket: left for bucket, (left, _) in told.items()}
        return standings, longest([error for _, error in told.values()])

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        with self._lock:
            now = self._clock()
            for bucket in buckets:
                have = self._filled(bucket, now)
                self._buckets[bucket] = (min(float(bucket.rate.most), have + 1), now)

    def _filled(self, bucket: Bucket, now: float) -> float:
        rate = bucket.rate
        had, at = self._buckets.get(bucket, (float(rate.most), now))
        return min(float(rate.most), had + (now - at) * rate.most / rate.seconds)
