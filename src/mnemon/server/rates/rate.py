"""A rate, the bucket of whom it is for, and what is left in that."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

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
class Bucket:
    """Whose requests are counted: a key's, by its `id`, or all those in a `namespace`."""

    rate: Rate
    id: str | None = None
    namespace: str | None = None

    @property
    def name(self) -> str:
        """What tells it from others, wherever buckets are."""
        return f"namespace:{self.namespace}" if self.id is None else self.id

    @property
    def policy(self) -> str:
        """What the headers of an answer call it; they are ASCII."""
        return "key" if self.namespace is None else f"namespace:{quote(self.namespace)}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a bucket has left: requests at once, and seconds until all of them are there again."""

    rate: Rate
    left: int
    reset: int


def headers(standings: Mapping[Bucket, Standing]) -> list[tuple[bytes, bytes]]:
    """The fields of the IETF's draft "RateLimit header fields for HTTP"; none for no bucket."""
    if not standings:
        return []
    policies, left = [], []
    for bucket, told in standings.items():
        policies.append(f'"{bucket.policy}";q={told.rate.most};w={told.rate.seconds}')
        left.append(f'"{bucket.policy}";r={told.left};t={told.reset}')
    return [
        (b"ratelimit-policy", ", ".join(policies).encode()),
        (b"ratelimit", ", ".join(left).encode()),
    ]


def standing(bucket: Bucket, left: float, taken: bool) -> tuple[Standing, RateLimited | None]:
    """What there is to tell when so much is in a bucket after one was `taken` out, or not."""
    rate = bucket.rate
    gain = rate.most / rate.seconds
    told = Standing(rate, int(left), math.ceil((rate.most - left) / gain))
    return told, None if taken else RateLimited(rate.text, (1 - left) / gain, bucket.namespace)
