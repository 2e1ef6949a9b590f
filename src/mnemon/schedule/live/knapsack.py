"""Which things to keep in a room that is too small: by what they are worth a byte."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is kept, or might be.

    Attributes:
        worth: seconds. Of what is kept it is raised, of what is not its cost is taken off: so
            choosing again changes nothing, and near equals do not take turns.
        tier: where it lies; "": nowhere yet.
        faster: tiers that it may come to; what is kept stays, or goes down, without being asked.
    """

    name: str
    bytes: int
    worth: float
    tier: str = ""
    faster: frozenset[str] = frozenset()


Needs = Callable[[Item, Sequence[Item]], float]
"""(item, those that were taken) → bytes that it takes beside them."""


def by_worth(items: Sequence[Item]) -> list[Item]:
    """The most seconds a byte first."""
    return sorted(items, key=lambda one: (-one.worth / max(1, one.bytes), not one.tier, one.name))


def chosen(items: Sequence[Item], room: float, needs: Needs | None = None) -> list[Item]:
    """Those that fit, the best first; the room is never exceeded.

    What does not fit is passed over for smaller ones. Choosing again, when what was chosen is kept
    and the rest is not, chooses the same: at the turn of each that was left out, no less has been
    taken than before.
    """
    taken: list[Item] = []
    for item in by_worth(items):
        size = item.bytes if needs is None else needs(item, taken)
        if size <= room:
            taken.append(item)
            room -= size
    return taken


def placed(
    items: Sequence[Item], tiers: Sequence[str], rooms: dict[str, float], room: float
) -> dict[str, str]:  # fmt: skip
    """(name → tier) of those that fit, in the fastest tier that has room and they may come to.

    Args:
        tiers: the fastest first; what is nowhere yet comes to the first one only.
        rooms: bytes by tier. room: bytes in all.
    """
    rooms, found = dict(rooms), dict[str, str]()
    for item in by_worth(items):
        for tier in _open(item, tiers):
            if item.bytes <= min(room, rooms[tier]):
                found[item.name] = tier
                rooms[tier] -= item.bytes
                room -= item.bytes
                break
    return found


def _open(item: Item, tiers: Sequence[str]) -> list[str]:
    if not item.tier:
        return list(tiers[:1])
    at = tiers.index(item.tier)
    return [tier for place, tier in enumerate(tiers) if place >= at or tier in item.faster]
