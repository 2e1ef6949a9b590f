"""A home: all that servers of one store have in common beside the memory."""

from __future__ import annotations

from dataclasses import dataclass

from mnemon.server.audit.log import AuditLog
from mnemon.server.keys import Keys
from mnemon.server.rates import Rates
from mnemon.server.rounds import Rounds
from mnemon.server.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Home:
    """`far` is whether asking it goes over a network, so that it may take long."""

    keys: Keys
    log: AuditLog
    sessions: Sessions
    rates: Rates
    rounds: Rounds
    far: bool
