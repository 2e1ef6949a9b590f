"""Adapters: which facts to train into weights, and which shards to drop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mnemon.schedule.decision import Decision
from mnemon.schedule.forms import kept, worn
from mnemon.schedule.live.knapsack import Item, chosen
from mnemon.schedule.live.survey import ADAPTER, Survey
from mnemon.weights import governance, subjects
from mnemon.weights.lesson import lesson

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.schedule.live.lifecycle import Standing

KIND = "fact"


@dataclass(frozen=True, slots=True)
class Shards:
    """How the model at hand is trained.

    Attributes:
        model: the digest that adapters are bound to. bytes: of one shard. subjects: in each.
    """

    model: str
    bytes: int
    subjects: int


@dataclass(frozen=True, slots=True)
class _Fact:
    standing: Standing
    subject: str
    saves: float
    tokens: float


def decided(
    of: Survey, shards: Shards | None, compiled: Mapping[str, str], counted: Mapping[str, int]
) -> list[Decision[str]]:
    """What to train and to drop.

    Args:
        shards: None: nothing is trained.
        compiled: the tier of each cube that will have keys and values: a fact in weights then saves
            only what is left. counted: tokens of cubes, by id.
    """
    mine = of.mine(ADAPTER)
    fresh = [one for one in mine if one.fresh]
    facts = {one.standing.cube.id: one for one in _facts(of, compiled, counted)}
    # Of several of one model the newest counts.
    owner = {(one.model, id): one.key for one in fresh for id, _ in one.sources}
    items = [_item(of, one, facts, owner) for one in fresh]
    if shards is not None:
        fresh = [one for one in fresh if one.model == shards.model]
        barred = governance.withheld(of.memory, [one.standing.cube for one in facts.values()])
        new = [
            one for id, one in facts.items()
            if (shards.model, id) not in owner and id not in barred and _ripe(of, one)
        ]  # fmt: skip
        items += [Item(one.standing.cube.id, shards.bytes, _worth(of, one)) for one in new]
    subject = {id: one.subject for id, one in facts.items()}

    def needs(item: Item, taken: Sequence[Item]) -> float:
        if item.tier or shards is None:
            return item.bytes
        before = {subject[one.name] for one in taken if not one.tier}
        return shards.bytes * (
            _count(before | {subject[item.name]}, fresh, shards) - _count(before, fresh, shards)
        )

    taken = chosen(items, of.room(ADAPTER, mine), needs)
    stay = {one.name for one in taken}
    drops = [_dropped(of, one) for one in mine if one.key not in stay]
    trained = [
        _consolidated(of, facts[one.name], int(needs(one, taken[:place])))
        for place, one in enumerate(taken) if not one.tier
    ]  # fmt: skip
    return [*drops, *trained]


def _count(new: set[str], fresh: Sequence[Artifact], shards: Shards) -> int:
    """Shards that are made for new facts of some subjects: where one stands in a shard, all of its
    subjects are trained again."""
    known = [set(one.header.get("subjects", ())) for one in fresh]
    every = new.union(*(some for some in known if not new.isdisjoint(some)))
    return -(-len(every) // shards.subjects)


def _facts(
    of: Survey, compiled: Mapping[str, str], counted: Mapping[str, int]
) -> Iterator[_Fact]:  # fmt: skip
    for one in of.standing.values():
        if one.cube.kind != KIND or (read := lesson(one.cube)) is None:
            continue
        tokens = counted.get(one.cube.id) or max(1, len(one.cube.content) // 4)
        cost = worn(of.costs, tokens)
        tier = compiled.get(one.cube.id)
        before = kept(of.costs, tokens, tier).saves if tier else 0.0
        saves = one.expected * max(0.0, cost.saves - before)
        digest = subjects.digest(read.subject, of.scope)
        yield _Fact(one, digest, saves, one.expected * tokens)


def _ripe(of: Survey, one: _Fact) -> bool:
    """Whether a fact is stable and often used, and training it pays."""
    cube, rules = one.standing.cube, of.rules
    stable = cube.recorded_at <= of.now - timedelta(days=rules.stable)
    often = one.standing.uses >= rules.least and one.standing.state != "expired"
    resting = of.rests("adapter", cube.id)
    return stable and often and of.pays(one.saves, of.costs.training, resting)


def _worth(of: Survey, one: _Fact) -> float:
    return one.saves - of.rules.price * of.costs.training


def _item(
    of: Survey,
    one: Artifact,
    facts: Mapping[str, _Fact],
    owner: Mapping[tuple[str | None, str], str],
) -> Item:
    own = [id for id, _ in one.sources if owner[one.model, id] == one.key and id in facts]
    # What did not learn is worn by no reader.
    saves = sum(facts[id].saves for id in own) if one.header.get("learnt", True) else 0.0
    resting = of.rests("adapter", one.sources[0][0], one.created_at)
    return Item(one.key, one.size, saves, of.keeps(resting), "store")


def _dropped(of: Survey, one: Artifact) -> Decision[str]:
    first = one.sources[0][0] if one.sources else ""
    reason = "one of its facts changed or was forgotten"
    if one.fresh:
        told = of.standing[first].told(of.rules)
        reason = f"{told}; the budget is full of what saves more a byte"
    return Decision("drop", first, reason, form="adapter", bytes=one.size, key=one.key)


def _consolidated(of: Survey, one: _Fact, nbytes: int) -> Decision[str]:
    days = (of.now - one.standing.cube.recorded_at).days
    reason = (
        f"{one.standing.told(of.rules)}; unchanged for {days} days; prompts are "
        f"{one.tokens:.0f} tokens shorter in all"
    )
    return Decision(
        "consolidate", one.standing.cube.id, reason, one.saves, of.costs.training, "adapter",
        nbytes, one.tokens,
    )  # fmt: skip
