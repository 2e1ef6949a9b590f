"""Which things to keep in a room that is too small, and in which tier: by their worth a byte."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is kept, or might be.

    What is kept stays against what saves as much or a little more, and what is not kept yet has
    its cost taken off: so near equals do not take turns, and choosing again, when what was chosen
    is kept and the rest is not, chooses the same. For at the turn of each that was left out, no
    less has been taken than before.

    Attributes:
        worth: seconds. keeps: so many times it counts where the item lies already; 1 or more.
        tier: where it lies; "": nowhere yet.
        comes: tiers that it should come to; what is kept stays, or goes down, without being asked.
    """

    name: str
    bytes: int
    worth: float
    keeps: float = 1.0
    tier: str = ""
    comes: frozenset[str] = frozenset()


Needs = Callable[[Item, Sequence[Item]], float]
"""(item, those that were taken) → bytes that it takes beside them."""


def chosen(items: Sequence[Item], room: float, needs: Needs | None = None) -> list[Item]:
    """Those that fit, the most seconds a byte first; the room is never exceeded.

    What does not fit is passed over for smaller ones.
    """
    taken: list[Item] = []
    for item in _sorted(items, {one.tier for one in items} - {""}):
        size = item.bytes if needs is None else needs(item, taken)
        if size <= room:
            taken.append(item)
            room -= size
    return taken


def placed(
    items: Sequence[Item], tiers: Sequence[str], rooms: Mapping[str, float], room: float,
    closed: Container[str] = (),
) -> dict[str, str]:  # fmt: skip
    """(name → tier) of those that fit into the room in all, and into that of a tier.

    Args:
        tiers: the fastest first.
        rooms: bytes by tier. room: bytes in all.
        closed: tiers that nothing may come to; what lies there may stay.
    """
    up = frozenset(tier for tier in tiers if tier not in closed)
    while True:
        some = chosen(items, room)
        found = _tiered(some, tiers, dict(rooms), closed)
        left = {one.name: one for one in some if one.name not in found}
        if not left:
            return found
        # Before it is dropped, it may come up even where that is hardly worth it.
        last = {name for name, one in left.items() if one.tier and one.comes != up}
        items = (
            [replace(one, comes=up) if one.name in last else one for one in items] if last
            else [one for one in items if one.name not in left]
        )  # fmt: skip


def _tiered(
    items: Sequence[Item], tiers: Sequence[str], rooms: dict[str, float], closed: Container[str]
) -> dict[str, str]:  # fmt: skip
    found: dict[str, str] = {}

    def put(some: Sequence[Item], tier: str) -> None:
        for one in some:
            if one.name not in found and one.bytes <= rooms[tier]:
                found[one.name] = tier
                rooms[tier] -= one.bytes

    for place, tier in enumerate(tiers):
        above = set(tiers[: place + 1])
        may = [
            one for one in items if one.tier == tier
            or (tier not in closed and (one.tier in above or tier in one.comes))
        ]  # fmt: skip
        put(_sorted(may, above), tier)
    return found


def _sorted(items: Sequence[Item], there: set[str]) -> list[Item]:
    """The best first, for who lies in some tiers already and for who would come there."""

    def rank(one: Item) -> tuple[float, bool, str]:
        lies = one.tier in there
        return -one.worth * (one.keeps if lies else 1.0) / max(1, one.bytes), not lies, one.name

    return sorted(items, key=rank)
