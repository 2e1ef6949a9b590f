"""Turns in the database, by its clock: one of the machines that serve it does a round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.store.postgres.clock import NOW

if TYPE_CHECKING:
    from mnemon.store.postgres.shared import Shared

_EARLY = 0.9  # of the time between two rounds: timers of machines are not one
_BEGIN = f"""
INSERT INTO rounds AS r (tenant, name, at) VALUES (0, %(name)s, {NOW})
ON CONFLICT (tenant, name) DO UPDATE SET at = excluded.at WHERE r.at <= excluded.at - %(wait)s
RETURNING name
"""


class RoundTable:
    """See `Rounds`. Who dies in the middle of a round leaves it undone; the next is another's."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def begin(self, name: str, seconds: float) -> bool:
        wait = int(seconds * _EARLY * 1_000_000)
        return bool(self._shared.tell(_BEGIN, name=name, wait=wait))
