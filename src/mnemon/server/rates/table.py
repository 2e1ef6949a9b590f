"""Buckets in the database: however many machines a key asks, it gets what its rate says, once.

One statement a request, by the database's clock. It is not waited for until it is on the disk: when
the database's machine fails, the last moment of it may be forgotten, and that much be let in again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.errors import RateLimited
from mnemon.server.rates.rate import Rate, Standing, standing
from mnemon.store.postgres.clock import NOW

if TYPE_CHECKING:
    from mnemon.store.postgres.shared import Shared

# As in `process.py`. Who waited for the row may bring a clock that is behind it.
_AT = "greatest(r.at, excluded.at)"
_FILLED = f"least(%(most)s::float8, r.have + ({_AT} - r.at) / 1e6 * %(gain)s)"
_TAKE = f"""
INSERT INTO rates AS r (tenant, key, have, at, taken)
VALUES (0, %(key)s, %(most)s::float8 - 1, {NOW}, true)
ON CONFLICT (tenant, key) DO UPDATE SET
  have = {_FILLED} - CASE WHEN {_FILLED} >= 1 THEN 1 ELSE 0 END,
  at = {_AT},
  taken = {_FILLED} >= 1
RETURNING have, taken
"""


class RateTable:
    """See `Rates` for what each method promises."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def take(self, key: str, rate: Rate) -> tuple[Standing, RateLimited | None]:
        gain = rate.most / rate.seconds
        ((left, taken),) = self._shared.tell(_TAKE, key=key, most=rate.most, gain=gain)
        return standing(rate, left, taken)
