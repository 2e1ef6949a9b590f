"""Promoting: a set of adapters is judged, and the alias moves to it, or stays, or goes back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnemon.errors import InvalidInput
from mnemon.store.rows import Promotion
from mnemon.weights.consolidation import bases
from mnemon.weights.promotion.alias import (
    CURRENT,
    REFUSE,
    check,
    gone_back,
    history,
    standing,
    write,
)
from mnemon.weights.promotion.gate import Gate, Probes, Verdict
from mnemon.weights.promotion.wearable import learnt, routes

if TYPE_CHECKING:
    from mnemon.memory import Memory


@dataclass(frozen=True, slots=True)
class Promoted:
    """What became of a candidate: the gate's verdict, and the line of the alias's past.

    `line.members` is where the alias points now; `line.action` is `promote`, or `refuse` (it
    stays), or `rollback` (what it pointed at was judged again and failed).
    """

    verdict: Verdict
    line: Promotion

    @property
    def passed(self) -> bool:
        """Whether the alias points at the candidate now."""
        return self.line.action == "promote"


def promote(
    memory: Memory, model: Any, tokenizer: Any, keys: Collection[str] | None = None, *,
    alias: str = CURRENT, gate: Gate | None = None, probes: Probes | None = None, why: str = "",
) -> Promoted:  # fmt: skip
    """Judge a set of adapters, and point an alias at it if it passes.

    If it does not, the alias stays where it is; or, where the set that it points at is the one that
    was judged, goes back to the set before. Either is a line of its past, with the figures.

    Args:
        keys: of the whole set that is to answer; the newest fresh adapter of each subject if None.
        gate: the limits. probes: what to ask beside the facts.

    Raises:
        NotFound: one of `keys` is no fresh adapter of this model that learnt.
        AliasMoved: someone else moved the alias while this was judged.
        InvalidInput: no adapters, no such name for an alias, or the model wears adapters already.
    """
    base = bases(model, tokenizer)["model"]
    past = history(memory, check(alias), base)
    line = standing(past)
    members = line.members if line is not None else ()
    if keys is None:
        keys = set(routes(learnt(memory, base)).values())
        if not keys:
            raise InvalidInput("there are no adapters for this model: consolidate first")
    verdict = (gate or Gate()).judge(memory, model, tokenizer, keys, members, probes)
    told: dict[str, Any] = {"candidate": keys, "figures": verdict.figures()}
    if verdict.passed:
        made = write(memory, past, alias, base, "promote", keys, why=why, **told)
    elif members and set(keys) == set(members):
        made = gone_back(memory, past, _failed(verdict, why), **told)
    else:
        made = write(
            memory, past, alias, base, REFUSE, members, why=_failed(verdict, why), **told
        )  # fmt: skip
    return Promoted(verdict, made)


def _failed(verdict: Verdict, why: str) -> str:
    told = f"the gate failed: {', '.join(verdict.failed)}"
    return f"{why}; {told}" if why else told
