"""Keys and values: what to compile, to drop, and in which tier to keep it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mnemon.schedule.decision import Decision
from mnemon.schedule.forms import TIERS, kept
from mnemon.schedule.live.knapsack import Item, chosen, placed
from mnemon.schedule.live.survey import CHUNK, Survey

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.compiling.chunks import Text


@dataclass(frozen=True, slots=True)
class Chunk:
    """Keys and values of one text, kept or not.

    Attributes:
        id: of the first cube that says it. tier: where it lies; "": nowhere. expected: uses.
    """

    key: str
    id: str
    tokens: int
    bytes: int
    expected: float
    tier: str = ""
    made_at: datetime | None = None


def decided(
    of: Survey, texts: Sequence[Text]
) -> tuple[list[Decision[str]], dict[str, str]]:  # fmt: skip
    """What to do with keys and values; and the tier of each cube that will have some, by id.

    Args:
        texts: what may be compiled.
    """
    mine = of.mine(CHUNK)
    there = [one for one in mine if one.fresh and one.key in of.places.lying]
    stale = [one for one in mine if not one.fresh]
    chunks = {one.key: _kept(of, one) for one in there}
    new = {one.key: one for one in _new(of, texts, chunks)}
    every = {**chunks, **new}
    tiers = [tier for tier in TIERS if tier in {*of.places.addresses, *_lain(chunks)}]
    rooms = {tier: of.room(f"kv.{tier}", mine) for tier in tiers}
    items = [_item(of, one, tiers) for one in every.values()]
    closed = set(tiers) - of.places.addresses.keys()
    ends = placed(items, tiers, rooms, of.room("kv", mine), closed)
    found = [_stale(of, one) for one in stale]
    found += [
        _moved(of, one, ends.get(one.key, ""))
        for one in chunks.values() if ends.get(one.key) != one.tier
    ]  # fmt: skip
    found += _hosted(of, chunks, ends)
    found += [_compiled(of, one, ends[key]) for key, one in new.items() if key in ends]
    sources = {one.key: [id for id, _ in one.sources] for one in there}
    will = {id: tier for key, tier in ends.items() for id in sources.get(key, [every[key].id])}
    return found, will


def _lain(chunks: Mapping[str, Chunk]) -> set[str]:
    return {one.tier for one in chunks.values()}


def _kept(of: Survey, one: Artifact) -> Chunk:
    tokens = int(one.header.get("tokens") or one.size // of.costs.token_bytes)
    return Chunk(one.key, one.sources[0][0], tokens, one.size, of.expected(one),
                 of.places.lying[one.key], one.created_at)  # fmt: skip


def _new(of: Survey, texts: Sequence[Text], there: Mapping[str, Chunk]) -> Iterator[Chunk]:
    """Those that would pay."""
    entry = next(iter(of.places.addresses), None)
    for text in texts if entry else ():
        if text.key in there:
            continue
        expected = sum(of.standing[cube.id].expected for cube in text.cubes)
        size, id = len(text.tokens), text.cubes[0].id
        cost = kept(of.costs, size, entry or "")
        if of.pays(expected * cost.saves, cost.builds, of.rests("kv", id)):
            yield Chunk(text.key, id, size, cost.bytes, expected)


def _item(of: Survey, one: Chunk, tiers: Sequence[str]) -> Item:
    resting = of.rests("kv", one.id, one.made_at)
    if not one.tier:
        entry = next(iter(of.places.addresses))
        cost = kept(of.costs, one.tokens, entry)
        worth = one.expected * cost.saves - of.rules.price * cost.builds
        return Item(one.key, one.bytes, worth, comes=frozenset({entry}))
    saves = one.expected * kept(of.costs, one.tokens, tiers[0]).saves
    comes = frozenset(
        tier for tier in tiers
        if tiers.index(tier) < tiers.index(one.tier) and tier in of.places.addresses
        and of.pays(_gain(of, one, tier), _moving(of, one), of.rests("kv", one.id))
    )  # fmt: skip
    return Item(one.key, one.bytes, saves, of.keeps(resting), one.tier, comes)


def _gain(of: Survey, one: Chunk, tier: str) -> float:
    """Seconds that lying in a tier saves beside lying where it does."""
    there, here = (kept(of.costs, one.tokens, name).saves for name in (tier, one.tier))
    return one.expected * (there - here)


def _moving(of: Survey, one: Chunk) -> float:
    """Background seconds of reading and writing it."""
    return of.costs.remote.seconds(one.bytes) + of.costs.write.seconds(one.bytes)


def _stale(of: Survey, one: Artifact) -> Decision[str]:
    return Decision(
        "drop", one.sources[0][0] if one.sources else "", "its cube changed or was forgotten",
        form="kv", bytes=of.held(one), key=one.key,
    )  # fmt: skip


def _moved(of: Survey, one: Chunk, to: str) -> Decision[str]:
    told = of.standing[one.id].told(of.rules)
    if not to:
        saves = one.expected * kept(of.costs, one.tokens, one.tier).saves
        reason = f"{told}; the budget is full of what saves more a byte than {saves:.3f} s"
        return Decision("drop", one.id, reason, bytes=one.bytes, key=one.key)
    up = TIERS.index(to) < TIERS.index(one.tier)
    gain = _gain(of, one, to)
    why = (
        f"lies in {one.tier}" if up
        else f"{one.tier} is full of what saves more a byte"
    )  # fmt: skip
    return Decision(
        "promote" if up else "demote", one.id, f"{told}; {why}", gain, _moving(of, one),
        bytes=one.bytes, key=one.key, to=to,
    )  # fmt: skip


def _compiled(of: Survey, one: Chunk, to: str) -> Decision[str]:
    cost = kept(of.costs, one.tokens, to)
    reason = (
        f"{of.standing[one.id].told(of.rules)}; each saves {cost.saves:.4f} s of computing "
        f"{one.tokens} tokens"
    )
    return Decision(
        "compile", one.id, reason, one.expected * cost.saves, cost.builds, bytes=one.bytes,
        key=one.key, to=to,
    )  # fmt: skip


def _hosted(
    of: Survey, chunks: Mapping[str, Chunk], ends: Mapping[str, str]
) -> list[Decision[str]]:  # fmt: skip
    """What comes to this process's memory and what leaves it, of what stays where it lies."""
    tiers = of.places.tiers
    if tiers is None:
        return []
    staying = [one for one in chunks.values() if ends.get(one.key) == one.tier]
    room = min(float(tiers.host_bytes), of.room("kv.host", of.mine(CHUNK)))
    items = list[Item]()
    for one in staying:
        gain, here = _gain(of, one, "host"), one.key in of.places.hosted
        resting = of.rests("kv", one.id)
        if here:
            items.append(Item(one.key, one.bytes, gain, of.keeps(resting), "host"))
        elif of.pays(gain, of.costs.disk.seconds(one.bytes), resting):
            items.append(Item(one.key, one.bytes, gain))
    inside = {one.name for one in chosen(items, room)}
    return [
        _into_host(of, one, one.key in inside) for one in staying
        if (one.key in inside) != (one.key in of.places.hosted)
    ]  # fmt: skip


def _into_host(of: Survey, one: Chunk, into: bool) -> Decision[str]:
    told, gain = of.standing[one.id].told(of.rules), _gain(of, one, "host")
    if into:
        return Decision(
            "promote", one.id, f"{told}; lies in {one.tier}", gain,
            of.costs.disk.seconds(one.bytes), bytes=one.bytes, key=one.key, to="host",
        )  # fmt: skip
    reason = f"{told}; memory is full of what saves more a byte"
    return Decision("demote", one.id, reason, -gain, bytes=one.bytes, key=one.key, to=one.tier)
