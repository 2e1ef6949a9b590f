"""Files beside a store that one machine serves; rates are each process's own."""

from __future__ import annotations

from pathlib import Path

from mnemon.server import keys
from mnemon.server.audit.file import AuditFile
from mnemon.server.homes.home import Home
from mnemon.server.rates.process import RatesInProcess
from mnemon.server.rounds.own import OwnRounds
from mnemon.server.sessions import Sessions
from mnemon.server.sessions.file import SessionFile


def beside(store: Path) -> Home:
    """The home of a store in files."""
    known = keys.beside(store)
    return Home(
        known, AuditFile(store), Sessions(SessionFile(store), known), RatesInProcess(), OwnRounds(),
        far=False,
    )  # fmt: skip
