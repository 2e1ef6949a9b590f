"""What one request takes: of its key, of the namespaces its key lies in and of that it works in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mnemon.errors import RateLimited
from mnemon.server.rates.declared import Declared
from mnemon.server.rates.rate import Bucket, Standing, parse
from mnemon.server.rates.rates import Rates

if TYPE_CHECKING:
    from mnemon.server.keys import Key


class Taken:
    """Of one request: from each bucket once, and from none if one of them is empty. It asks the
    home: see `Asking`."""

    def __init__(self, rates: Rates, declared: Declared) -> None:
        self._rates, self._declared = rates, declared
        self.standings: dict[Bucket, Standing] = {}
        """What the buckets have left."""
        self.refused: RateLimited | None = None
        """The error, if one was empty."""

    def of(self, key: Key) -> None:
        """Take it from a key, and from the namespaces that hold all that the key reaches.

        Raises:
            RateLimited: one of them was asked too often.
        """
        own = [] if key.rate is None else [Bucket(parse(key.rate), key.id)]
        self._take([*own, *self._declared.over(*(key.namespaces or ()))])

    def within(self, namespace: str) -> None:
        """Take it from a namespace and those above it too, where it was not yet.

        Raises:
            RateLimited: one of them was asked too often.
        """
        self._take(self._declared.over(namespace))

    def _take(self, buckets: Sequence[Bucket]) -> None:
        before = list(self.standings)
        wanted = [one for one in buckets if one not in self.standings]
        if not wanted:
            return
        told, self.refused = self._rates.take(wanted)
        self.standings |= told
        if self.refused is not None:
            if before:
                self._rates.give_back(before)
            raise self.refused
