"""Plan: what the scheduler would do with a namespace, with reasons; and doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.errors import InvalidInput
from mnemon.instant import Instant, from_micros, now_micros, parse
from mnemon.schedule.costs import Costs
from mnemon.schedule.decision import Decision
from mnemon.schedule.live import activations, adapters, budgets, embedding, expiring, survey
from mnemon.schedule.live.building import By, at_hand, costs_of
from mnemon.schedule.live.lifecycle import STATES
from mnemon.schedule.live.notes import Notes
from mnemon.schedule.live.places import surveyed
from mnemon.schedule.live.rules import Rules
from mnemon.schedule.live.survey import Survey
from mnemon.store.rows import Budget

if TYPE_CHECKING:
    from mnemon.compiling.chunks import Text
    from mnemon.kv.tiers import Tiers
    from mnemon.memory import Memory
    from mnemon.models.embed import Embedder
    from mnemon.schedule.live.carrying import Applied

_ORDER = ("expire", "drop", "demote", "promote", "compile", "consolidate", "re-embed")
_WHOLE = ("kv", "adapter")


@dataclass(frozen=True)
class Doing:
    """What applying a plan needs besides it. `texts` are ids of cubes by the key of their text."""

    survey: Survey
    by: By | None
    texts: Mapping[str, Sequence[str]]
    embedder: Embedder | str | None
    notes: Notes


@dataclass(frozen=True)
class Plan:
    """What is to be done, in this order.

    Attributes:
        namespace: that it is about.
        decisions: each with its reason, seconds saved, costs and bytes.
        states: how many cubes are in each state of their lifecycle.
        held: bytes now, by form. after: when it is done.
        budgets: that count. costs: by which it was made.
        remarks: what the plan leaves out, and why.
    """

    namespace: str
    decisions: tuple[Decision[str], ...]
    states: dict[str, int]
    held: dict[str, int]
    after: dict[str, int]
    budgets: tuple[Budget, ...]
    costs: Costs
    remarks: tuple[str, ...]
    _doing: Doing = field(repr=False, compare=False)

    def apply(self, progress: Callable[[int, int], None] | None = None) -> Applied:
        """Do it; what could not be done is told with why. Each step is journaled as the call that
        it is, and what was done stays done if a later one fails.

        Args:
            progress: called as progress(decisions done, decisions in all).
        """
        from mnemon.schedule.live.carrying import carried

        return carried(self.decisions, self._doing, progress)


def plan(
    memory: Memory, *, model: Any = None, tokenizer: Any = None,
    to: Tiers | Path | str | None = None, remote: str | None = None,
    budgets: Iterable[str] | Mapping[str, int | str] = (), rules: Rules | None = None,
    costs: Costs | None = None, embedder: Embedder | str | None = None, at: Instant | None = None,
) -> Plan:  # fmt: skip
    """What should be compiled, moved, dropped, trained, retired or embedded again in a memory's
    namespace. Nothing is done yet. See docs/scheduling.md.

    Args:
        model, tokenizer, to: as of `Memory.compile`; without a model nothing is compiled or
            trained. With `Tiers`, what lies in this process's memory is planned as well.
        remote: a URL of a slower tier besides.
        budgets: of this namespace, `kv=2GB` or a mapping; they go before those that the
            store keeps.
        costs: None: those measured on this machine, or else the defaults.
        embedder: whose space the store's vectors shall be in; its own if None.
        at: when it is; default: now.

    Raises:
        InvalidInput: no such budget, model or place.
        PlaceFailed: a place cannot be reached.
    """
    if not hasattr(memory, "_store"):
        raise InvalidInput("plans are made beside the store, where the models are, not over HTTP")
    memory._searcher.flush()  # how often a cube was read decides
    rules, kept = rules or Rules(), Notes(memory.path)
    kept.hand_over(memory._store)
    by = None if model is None else at_hand(memory, model, tokenizer)
    limits = _limits(memory, budgets)
    now = from_micros(now_micros()) if at is None else parse(at)
    found = survey.artifacts(memory, limits)
    elsewhere = [one.key for one in found if one.elsewhere]
    of = Survey(
        memory, now, rules, costs_of(by, costs), limits,
        survey.standings(memory, now, rules, limits), found,
        surveyed(memory, to, remote, elsewhere),
        frozenset(kept.moved(now - timedelta(days=rules.rest))),
    )  # fmt: skip
    return _planned(of, by, embedder, kept)


def _limits(memory: Memory, given: Iterable[str] | Mapping[str, int | str]) -> list[Budget]:
    return budgets.merged(memory._store.budgets(), budgets.parsed(given, memory.namespace))


def _planned(of: Survey, by: By | None, embedder: Embedder | str | None, kept: Notes) -> Plan:
    expire = expiring.decided(of)
    rest = without(of, {one.cube for one in expire})
    texts = _texts(rest, by)
    kv, will = activations.decided(rest, texts)
    counted = {cube.id: len(text.tokens) for text in texts for cube in text.cubes}
    shards = None if by is None else by.shards
    weights = adapters.decided(rest, shards, will, counted)
    every = [*expire, *kv, *weights, *embedding.decided(of, embedder)]
    ordered = sorted(every, key=lambda one: (_ORDER.index(one.action), one.to == "host"))
    ids = {text.key: [cube.id for cube in text.cubes] for text in texts}
    states = Counter(one.state for one in of.standing.values())
    held = {form: _held(of, form) for form in _WHOLE}
    return Plan(
        of.scope, tuple(ordered), {name: states[name] for name in STATES}, held,
        _after(of, rest, held, ordered), tuple(of.budgets), of.costs,
        tuple(_remarks(rest, by)), Doing(of, by, ids, embedder, kept),
    )  # fmt: skip


def without(of: Survey, ids: set[str]) -> Survey:
    """As it will be when some cubes are gone, and what was compiled from them with them."""
    return replace(
        of,
        standing={id: one for id, one in of.standing.items() if id not in ids},
        artifacts=[one for one in of.artifacts if ids.isdisjoint(id for id, _ in one.sources)],
    )


def _texts(of: Survey, by: By | None) -> list[Text]:
    used = [one.cube for one in of.standing.values() if one.expected and one.state != "expired"]
    return [] if by is None else by.keyed.texts(used)[0]


def _held(of: Survey, form: str) -> int:
    return sum(of.held(one) for one in of.within(of.scope) if one.form.partition("-")[0] == form)


def _after(
    of: Survey, rest: Survey, held: Mapping[str, int], decisions: Sequence[Decision[str]]
) -> dict[str, int]:  # fmt: skip
    signs = {"compile": 1, "consolidate": 1, "drop": -1}
    return {
        form: held[form] - (_held(of, form) - _held(rest, form)) + sum(
            signs[one.action] * one.bytes
            for one in decisions if one.form == form and one.action in signs
        )
        for form in _WHOLE
    }  # fmt: skip


def _remarks(of: Survey, by: By | None) -> Iterable[str]:
    if by is None:
        yield "no model was named: nothing is compiled or trained"
    elif by.shards is None:
        yield f"nothing is trained: {by.why}"
    if by is not None and not of.places.addresses:
        yield "nothing is compiled: say where to, this store has no folder"
    if not of.costs.measured:
        yield f"costs are defaults, measured on {of.costs.machine}: --measure measures them here"
    if not of.places.everywhere:
        yield "a place of the store cannot be reached from here: what lies there counts, and stays"
    for form, kind in (("kv", survey.CHUNK), ("adapter", survey.ADAPTER)):
        short = -of.room(form, of.mine(kind))
        if short > 0:
            yield f"{short:,.0f} bytes of {form} over a budget are of what is not scheduled here"
