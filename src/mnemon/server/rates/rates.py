"""Where buckets are, and what is asked of it."""

from __future__ import annotations

from typing import Protocol

from mnemon.errors import RateLimited
from mnemon.server.rates.rate import Rate, Standing


class Rates(Protocol):
    """The buckets of keys."""

    def take(self, key: str, rate: Rate) -> tuple[Standing, RateLimited | None]:
        """Take one request out of a key's bucket; what is left, and the error if it was empty."""
        ...
