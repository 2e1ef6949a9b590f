"""A rate, and what is left of it."""

from __future__ import annotations

import math
import re
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


def standing(rate: Rate, left: float, taken: bool) -> tuple[Standing, RateLimited | None]:
    """What `Rates.take` answers, when so much is in a bucket after one was `taken` out, or not."""
    gain = rate.most / rate.seconds
    told = Standing(rate, int(left), math.ceil((rate.most - left) / gain))
    return told, None if taken else RateLimited(rate.text, (1 - left) / gain)
