"""Decision: one move as a value, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["compile", "demote", "drop"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with one cube's keys and values, and why.

    Attributes:
        action: `compile` ahead; `demote` from the host to disk; `drop` from where it lies.
        cube: its number in the trace.
        saves: seconds of waiting that are expected to be saved by it; 0 if it is not known.
        costs: background seconds.
    """

    action: Action
    cube: int
    reason: str
    saves: float = 0.0
    costs: float = 0.0
