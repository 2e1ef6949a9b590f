"""Buckets in this process: they are full when it begins, and two processes count apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from mnemon.errors import RateLimited
from mnemon.server.rates.rate import Rate, Standing, standing


class RatesInProcess:
    """See `Rates` for what each method promises. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, Rate], tuple[float, float]] = {}

    def take(self, key: str, rate: Rate) -> tuple[Standing, RateLimited | None]:
        with self._lock:
            now = self._clock()
            had, at = self._buckets.get((key, rate), (float(rate.most), now))
            have = min(float(rate.most), had + (now - at) * rate.most / rate.seconds)
            enough = have >= 1
            self._buckets[key, rate] = (have - enough, now)
        return standing(rate, have - enough, enough)
