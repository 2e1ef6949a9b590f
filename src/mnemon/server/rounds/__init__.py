"""Rounds: whose turn it is to do what comes round by itself, when several serve one store.

Processes of one machine each do their own (`own.py`); of the machines that serve one database, one
does (`table.py`).
"""

from mnemon.server.rounds.rounds import Rounds

__all__ = ["Rounds"]
