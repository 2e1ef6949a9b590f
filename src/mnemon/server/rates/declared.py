"""The rates that namespaces have, as the store holds them: `mnemon quota set acme --rate 500/s`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from mnemon import namespace as paths
from mnemon.server.rates.rate import Bucket, parse

if TYPE_CHECKING:
    from mnemon.store import Store

_SECONDS = 1.0  # so that it costs a request nothing; who sets a rate can wait that long


class Declared:
    """The buckets of namespaces. What another process sets, changes or lifts is seen a second later
    at the latest. `clock` gives seconds."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._told: Sequence[tuple[str, str]] = ()
        self._buckets: Mapping[str, Bucket] = {}
        self._again = -math.inf

    def over(self, *namespaces: str) -> list[Bucket]:
        """Those of namespaces that hold all of some, the widest first: each such namespace itself,
        or one above."""
        known = self._known()
        if not known or not namespaces:
            return []
        one, *others = namespaces
        parts = one.split("/")
        above = ("/".join(parts[: n + 1]) for n in range(len(parts)))
        return [
            known[path]
            for path in above
            if path in known and all(paths.contains(path, other) for other in others)
        ]

    def _known(self) -> Mapping[str, Bucket]:
        if (now := self._clock()) >= self._again:
            told = self._store.rates()
            if told != self._told:
                self._buckets = {path: Bucket(parse(rate), namespace=path) for path, rate in told}
                self._told = told
            self._again = now + _SECONDS
        return self._buckets
