"""Survey: all that decisions are made from, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mnemon import methods
from mnemon import namespace as paths
from mnemon.cube import MemCube
from mnemon.schedule.costs import Costs
from mnemon.schedule.decay import Decay
from mnemon.schedule.live.budgets import below, over
from mnemon.schedule.live.lifecycle import Standing, standing
from mnemon.schedule.live.places import Places
from mnemon.schedule.live.rules import Rules
from mnemon.store.rows import Budget

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.memory import Memory

_PAGE = 1000
CHUNK, ADAPTER = "kv-chunk", "adapter"


@dataclass(frozen=True)
class Survey:
    """A namespace as it stands.

    Attributes:
        standing: by id, of the current cubes that the actor may read and that are in no namespace
            with budgets of its own.
        artifacts: compiled forms of the namespace, and of those above it that have budgets.
        moved: `<form>:<id>` of what was moved lately.
    """

    memory: Memory
    now: datetime
    rules: Rules
    costs: Costs
    budgets: Sequence[Budget]
    standing: Mapping[str, Standing] = field(repr=False)
    artifacts: Sequence[Artifact] = field(repr=False)
    places: Places
    moved: frozenset[str]

    @property
    def scope(self) -> str:
        """The namespace."""
        return self.memory.namespace

    def within(self, scope: str) -> list[Artifact]:
        """Artifacts of a namespace and below."""
        return [one for one in self.artifacts if paths.contains(scope, one.namespace)]

    def mine(self, form: str) -> list[Artifact]:
        """Artifacts of a form that are scheduled here: made from nothing but cubes in `standing`,
        or stale."""
        return [
            one for one in self.within(self.scope)
            if one.form == form
            and (not one.fresh or all(id in self.standing for id, _ in one.sources))
        ]  # fmt: skip

    def held(self, one: Artifact) -> int:
        """Bytes that an artifact takes: none, if its bytes were evicted from where they lay."""
        gone = one.elsewhere and one.key not in self.places.lying and self.places.everywhere
        return 0 if gone else one.size

    def room(self, form: str, mine: Sequence[Artifact]) -> float:
        """Bytes that budgets leave for `mine` in a form: the least of all that count."""
        own = {one.key for one in mine}
        rooms = [
            budget.bytes - sum(
                self._in(form, one) for one in self.within(budget.namespace) if one.key not in own
            )
            for budget in over(self.budgets, self.scope, form)
        ]  # fmt: skip
        return min(rooms, default=float("inf"))

    def _in(self, form: str, one: Artifact) -> int:
        kind, _, tier = form.partition(".")
        if not (one.form.startswith("kv") if kind == "kv" else one.form == kind):
            return 0
        if tier == "host":
            return one.size if one.key in self.places.hosted else 0
        return self.held(one) if tier in ("", self.places.lying.get(one.key)) else 0

    def expected(self, one: Artifact) -> float:
        """Uses of what an artifact was made from."""
        return sum(self.standing[id].expected for id, _ in one.sources if id in self.standing)

    def rests(self, form: str, id: str, made_at: datetime | None = None) -> bool:
        """Whether something was moved, or made, a short while ago."""
        young = made_at is not None and made_at > self.now - timedelta(days=self.rules.rest)
        return young or f"{form}:{id}" in self.moved

    def keeps(self, resting: bool) -> float:
        """How many times what it saves others must save, to displace what is kept."""
        return self.rules.urgent if resting else 1 + self.rules.margin

    def pays(self, saves: float, costs: float, resting: bool) -> bool:
        """Whether a gain in seconds exceeds its background cost by a margin."""
        times = self.rules.urgent if resting else 1 + self.rules.margin
        return saves > times * self.rules.price * costs


def cubes(memory: Memory) -> Iterator[MemCube]:
    """The current cubes of a memory's namespace that its actor may read."""
    after: str | None = None
    while page := memory.list(after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def standings(
    memory: Memory, now: datetime, rules: Rules, budgets: Sequence[Budget]
) -> dict[str, Standing]:
    """Where each of them stands, without those that are scheduled by themselves."""
    decay: Decay = methods.load("schedule.decay", rules.decay)
    apart = below(budgets, memory.namespace)
    return {
        cube.id: standing(cube, now, decay, rules)
        for cube in cubes(memory)
        if not any(paths.contains(path, cube.namespace) for path in apart)
    }


def artifacts(memory: Memory, budgets: Sequence[Budget]) -> list[Artifact]:
    """Of the namespace, and of those above it that have budgets which it counts for."""
    above = [one.namespace for one in budgets if paths.contains(one.namespace, memory.namespace)]
    widest = min([memory.namespace, *above], key=len)
    return memory.artifacts.list(namespace=widest)
