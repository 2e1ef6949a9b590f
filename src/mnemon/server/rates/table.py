"""Buckets in the database: however many machines are asked, together they let in what a rate says.

One statement a request, by the database's clock. It is not waited for until it is on the disk: when
the database's machine fails, the last moment of it may be forgotten, and that much be let in again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.server.rates.rate import Bucket, standing
from mnemon.server.rates.rates import Left, longest
from mnemon.store.postgres.clock import NOW

if TYPE_CHECKING:
    from mnemon.store.postgres.shared import Shared

# As in `process.py`. Who waited for the row may bring a clock that is behind it.
_AT = "greatest(r.at, excluded.at)"
_FILLED = f"least(%(most{{n}})s::float8, r.have + ({_AT} - r.at) / 1e6 * %(gain{{n}})s)"
_TAKE = f"""
INSERT INTO rates AS r (tenant, key, have, at, taken)
VALUES (0, %(key{{n}})s, %(most{{n}})s::float8 - 1, {NOW}, true)
ON CONFLICT (tenant, key) DO UPDATE SET
  have = {_FILLED} - CASE WHEN {_FILLED} >= 1 THEN 1 ELSE 0 END,
  at = {_AT},
  taken = {_FILLED} >= 1
RETURNING key, have, taken
"""
_GIVE_BACK = """
UPDATE rates SET have = least(%(most{n})s::float8, have + 1)
WHERE tenant = 0 AND key = %(key{n})s
RETURNING key, have, taken
"""


class RateTable:
    """See `Rates` for what each method promises.

    Rows are locked in the order of their names. A bucket that was taken from before another turned
    out to be empty is given it back at once: for a moment it lets in one less, never one more.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def take(self, buckets: Sequence[Bucket]) -> Left:
        found = self._tell(_TAKE, buckets)
        taken = [bucket for bucket in buckets if found[bucket.name][1]]
        refused = len(taken) < len(buckets)
        if refused and taken:
            found |= {
                name: (have, True) for name, (have, _) in self._tell(_GIVE_BACK, taken).items()
            }
        told = {bucket: standing(bucket, *found[bucket.name]) for bucket in buckets}
        standings = {bucket: left for bucket, (left, _) in told.items()}
        return standings, longest([error for _, error in told.values()])

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        self._tell(_GIVE_BACK, buckets)

    def _tell(self, statement: str, buckets: Sequence[Bucket]) -> dict[str, tuple[float, bool]]:
        """What each bucket has after a statement about it, and whether it was taken from."""
        values: dict[str, Any] = {}
        for n, bucket in enumerate(sorted(buckets, key=lambda one: one.name)):
            values |= _values(n, bucket)
        parts = [f"b{n} AS ({statement.format(n=n)})" for n in range(len(buckets))]
        rows = " UNION ALL ".join(f"SELECT * FROM b{n}" for n in range(len(buckets)))
        told = self._shared.tell(f"WITH {', '.join(parts)} {rows}", **values)
        return {name: (have, taken) for name, have, taken in told}


def _values(n: int, bucket: Bucket) -> Mapping[str, Any]:
    gain = bucket.rate.most / bucket.rate.seconds
    return {f"key{n}": bucket.name, f"most{n}": bucket.rate.most, f"gain{n}": gain}
