"""Rates: how often a key may ask. A token bucket for each key, full at first.

`50/s` lets 50 requests in at once, and 50 more each second, one every 20 ms. The state is this
process's own: it is lost when the server stops, and two servers over one store count apart.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from mnemon.errors import InvalidInput, RateLimited

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Rate:
    """`most` requests in `seconds`."""

    most: int
    seconds: int

    @property
    def text(self) -> str:
        """As `parse` reads it."""
        return f"{self.most}/{next(u for u, n in _SECONDS.items() if n == self.seconds)}"


def parse(text: str) -> Rate:
    """A rate from `50/s`, `600/m`, `10000/h` or `1000/d`.

    Raises:
        InvalidInput: it is not of that form.
    """
    found = re.fullmatch(r"([1-9]\d{0,8})/([smhd])", text)
    if found is None:
        raise InvalidInput(
            f"{text!r} is no rate: write requests and a unit as 50/s, 600/m, 10000/h"
        )
    return Rate(int(found[1]), _SECONDS[found[2]])


@dataclass(frozen=True, slots=True)
class Standing:
    """What a key has left: requests at once, and seconds until all of them are there again."""

    rate: Rate
    left: int
    reset: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The fields of the IETF's draft "RateLimit header fields for HTTP"."""
        policy = f'"key";q={self.rate.most};w={self.rate.seconds}'
        return [
            (b"ratelimit-policy", policy.encode()),
            (b"ratelimit", f'"key";r={self.left};t={self.reset}'.encode()),
        ]


class Rates:
    """The buckets of a process. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, Rate], tuple[float, float]] = {}

    def take(self, key: str, rate: Rate) -> tuple[Standing, RateLimited | None]:
        """Take one request out of a key's bucket; what is left, and the error if it was empty."""
        gain = rate.most / rate.seconds
        with self._lock:
            now = self._clock()
            had, at = self._buckets.get((key, rate), (float(rate.most), now))
            have = min(float(rate.most), had + (now - at) * gain)
            enough = have >= 1
            self._buckets[key, rate] = (have - enough, now)
        reset = math.ceil((rate.most - have + enough) / gain)
        standing = Standing(rate, int(have - enough), reset)
        error = None if enough else RateLimited(rate.text, (1 - have) / gain)
        return standing, error
