"""Rows of the database that several machines serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.server.audit.table import AuditTable
from mnemon.server.homes.home import Home
from mnemon.server.keys import Keys
from mnemon.server.keys.table import KeyTable
from mnemon.server.rates.table import RateTable
from mnemon.server.rounds.table import RoundTable
from mnemon.server.sessions import Sessions
from mnemon.server.sessions.table import SessionTable

if TYPE_CHECKING:
    from mnemon.store.postgres.shared import Shared


def within(shared: Shared) -> Home:
    """The home of a store in its database."""
    keys = Keys(KeyTable(shared))
    return Home(
        keys, AuditTable(shared), Sessions(SessionTable(shared), keys), RateTable(shared),
        RoundTable(shared), far=True,
    )  # fmt: skip
