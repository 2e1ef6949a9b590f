"""A canary: a share of all questions is answered by a candidate, and what users say of it decides.

Whose answers helped is told by `memory.feedback(answered.adapter, helpful)`, with the key of the
adapter that answered. An adapter of both sets says nothing about either: only those of one count.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mnemon.errors import InvalidInput, NotFound
from mnemon.weights.consolidation import bases
from mnemon.weights.promotion.alias import (
    CANARY,
    CURRENT,
    check,
    history,
    one_past,
    standing,
    write,
)
from mnemon.weights.promotion.wearable import wearable

if TYPE_CHECKING:
    from mnemon.memory import Memory
    from mnemon.store.rows import Promotion


class Outcomes(NamedTuple):
    """How many answers of a set were said to help, and not to."""

    helpful: int
    unhelpful: int

    @property
    def judged(self) -> int:
        """Of both."""
        return self.helpful + self.unhelpful

    def bounds(self, z: float) -> tuple[float, float]:
        """Between which shares the true share of helpful answers lies: Wilson's interval."""
        if not self.judged:
            return 0.0, 1.0
        n, share, zz = self.judged, self.helpful / self.judged, z * z
        middle = (share + zz / (2 * n)) / (1 + zz / n)
        half = z / (1 + zz / n) * math.sqrt(share * (1 - share) / n + zz / (4 * n * n))
        return middle - half, middle + half


@dataclass(frozen=True)
class Evidence:
    """When a canary is settled.

    Attributes:
        least: so many judged answers of the candidate's own adapters, or nothing is decided.
        bar: share of helpful answers to be reached, while the present set has fewer than `least`
            of its own; its own share from then on.
        margin: so much below the bar is as good.
        z: of the interval around the candidate's share; 1.96 is 95%.
        patience: after so many it is stopped if it is neither.
    """

    least: int = 20
    bar: float = 0.8
    margin: float = 0.1
    z: float = 1.96
    patience: int = 500

    def decide(self, candidate: Outcomes, present: Outcomes) -> tuple[str | None, float]:
        """`promote`, `stop` or None, and the bar."""
        enough = present.judged >= self.least
        bar = present.helpful / present.judged if enough else self.bar
        low, high = candidate.bounds(self.z)
        if candidate.judged < self.least:
            return None, bar
        if low >= bar - self.margin:
            return "promote", bar
        return ("stop" if high < bar or candidate.judged >= self.patience else None), bar


@dataclass(frozen=True, slots=True)
class Settled:
    """What was decided about a canary, if anything (`line` is the new one then), and by what."""

    action: str | None
    candidate: Outcomes
    present: Outcomes
    bar: float
    line: Promotion | None


def canary(
    memory: Memory, model: Any, tokenizer: Any, keys: Collection[str], *, share: float = 0.1,
    alias: str = CURRENT, why: str = "",
) -> Promotion:  # fmt: skip
    """Let a set of adapters answer a share of all questions, beside the set that is promoted.

    Which questions is decided by a digest of the session, or of the question: always the same.
    Judge it by a gate first; `settle` ends it.

    Raises:
        InvalidInput: a share outside of (0, 1).
        NotFound: no such adapters, or no alias: promote a first set.
        AliasMoved: someone else moved the alias meanwhile.
    """
    if not 0 < share < 1:
        raise InvalidInput(f"a canary takes a share between 0 and 1, and not {share}")
    base = bases(model, tokenizer)["model"]
    past = history(memory, check(alias), base)
    line = standing(past)
    wearable(memory, base, keys=keys)
    if line is None:
        raise NotFound(f"nothing is promoted as {alias!r}: all that is fresh answers, this too")
    members = line.members
    start = {key: list(told) for key, told in _outcomes(memory, {*keys, *members}).items()}
    return write(
        memory, past, alias, base, CANARY, members, candidate=keys,
        figures={"share": share, "start": start}, why=why,
    )  # fmt: skip


def settle(
    memory: Memory, alias: str = CURRENT, *, model: str | None = None, rule: Evidence | None = None
) -> Settled:
    """Decide about a canary by what was said of answers since it began; nothing without enough.

    Args:
        model: the digest of the base, or its beginning; needed if the alias is of several.

    Raises:
        NotFound: there is no canary. AliasMoved: the alias was moved meanwhile.
    """
    past = one_past(memory, alias, model)
    line = standing(past)
    if line is None or line.action != CANARY:
        raise NotFound(f"the alias {alias!r} has no canary: start one with `canary`")
    mine, theirs = {*line.candidate} - {*line.members}, {*line.members} - {*line.candidate}
    counts = _since(memory, line)
    candidate, present = _summed(counts, mine), _summed(counts, theirs)
    used = rule or Evidence()
    action, bar = used.decide(candidate, present)
    made = None
    if action is not None:
        figures = {
            "candidate": [*candidate],
            "present": [*present],
            "bar": bar,
            "rule": asdict(used),
        }
        made = write(
            memory, past, alias, line.model, action,
            line.candidate if action == "promote" else line.members,
            candidate=line.candidate, figures=figures, why="what was said of the canary's answers",
        )  # fmt: skip
    return Settled(action, candidate, present, bar, made)


def _outcomes(memory: Memory, keys: Collection[str]) -> dict[str, Outcomes]:
    found = memory._store.outcomes(memory.namespace, sorted(keys))
    return {key: Outcomes(*told) for key, told in found.items()}


def _since(memory: Memory, line: Promotion) -> dict[str, Outcomes]:
    start = line.figures["start"]
    return {
        key: Outcomes(*(now - then for now, then in zip(told, start.get(key, (0, 0)), strict=True)))
        for key, told in _outcomes(memory, {*line.members, *line.candidate}).items()
    }


def _summed(counts: dict[str, Outcomes], keys: Collection[str]) -> Outcomes:
    mine = [counts[key] for key in keys if key in counts]
    return Outcomes(sum(one.helpful for one in mine), sum(one.unhelpful for one in mine))
