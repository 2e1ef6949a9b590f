"""Where buckets are, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mnemon.errors import RateLimited
from mnemon.server.rates.rate import Bucket, Standing

Left = tuple[Mapping[Bucket, Standing], RateLimited | None]
"""What each bucket has left, and the error if one was empty: that to be waited for longest."""


class Rates(Protocol):
    """The buckets of keys and namespaces."""

    def take(self, buckets: Sequence[Bucket]) -> Left:
        """Take one request out of each of some buckets, or out of none if one of them is empty."""
        ...

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        """Put one request back into each of some buckets: it was not let in after all."""
        ...


def longest(errors: Sequence[RateLimited | None]) -> RateLimited | None:
    """The one of some errors that is to be waited for longest."""
    waits = [one for one in errors if one is not None]
    return max(waits, key=lambda one: one.retry_after, default=None)
