"""What each form of one text holds, saves at each use, and costs to build."""

from __future__ import annotations

from dataclasses import dataclass

from mnemon.schedule.costs import Costs
from mnemon.schedule.decision import Form

TIERS = ("host", "disk", "remote")
"""Where keys and values lie, the fastest first."""
_LETTERS = 4
"""Bytes of text a token, about."""


@dataclass(frozen=True, slots=True)
class FormCost:
    """One form of a text of some tokens.

    Attributes:
        tier: where keys and values lie; "" of other forms.
        bytes: held. waits: seconds at each use. builds: background seconds, once.
        saves: seconds at each use, beside reading the text; never below 0, since what takes longer
            is not used. tokens: that a prompt is shorter by.
    """

    form: Form
    tier: str
    bytes: int
    waits: float
    saves: float
    tokens: int
    builds: float


def forms(costs: Costs, tokens: int) -> tuple[FormCost, ...]:
    """All of them, for a text of so many tokens."""
    reading = costs.computing(float(tokens))
    return (
        FormCost("text", "", _LETTERS * tokens, reading, 0.0, 0, 0.0),
        # A vector saves no waiting: it lets a text be found by its meaning.
        FormCost("embedding", "", costs.vector_bytes, reading, 0.0, 0, costs.embedding),
        *(kept(costs, tokens, tier) for tier in TIERS),
        worn(costs, tokens),
    )


def kept(costs: Costs, tokens: int, tier: str) -> FormCost:
    """Keys and values in a tier."""
    many = float(tokens)
    loads = {"host": costs.from_host, "disk": costs.from_disk, "remote": costs.from_remote}
    reading = costs.computing(many)
    waits = min(reading, loads[tier](many))
    builds = costs.computing_ahead(many) + costs.writing(many)
    nbytes = tokens * costs.token_bytes
    return FormCost("kv", tier, nbytes, waits, reading - waits, 0, builds)


def worn(costs: Costs, tokens: int) -> FormCost:
    """A fact in an adapter, beside reading its text."""
    reading, nbytes = costs.computing(float(tokens)), costs.adapter_bytes
    waits = min(reading, costs.wearing(nbytes))
    return FormCost("adapter", "", nbytes, waits, reading - waits, tokens, costs.training)
