"""Aliases: names, of a namespace and a base, that point at a set of adapters; with their past.

The store keeps one line a move and changes none; where an alias points is what its newest line
says. Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.errors import InvalidInput, NotFound
from mnemon.store.rows import Promotion

if TYPE_CHECKING:
    from mnemon.memory import Memory

CURRENT = "current"
REFUSE = "refuse"
CANARY = "canary"
_TOLD = 12


def history(memory: Memory, alias: str | None = None, model: str | None = None) -> list[Promotion]:
    """Each move of a namespace's aliases and each refusal, oldest first: who, when, why, to where,
    and what the gate measured.

    Args:
        model: the digest of a base; aliases of all of them if None.
    """
    lines = memory._store.promotions(memory.namespace, alias, model)
    return [one for one in lines if one.namespace == memory.namespace]


def standing(past: Sequence[Promotion]) -> Promotion | None:
    """The line that says where an alias points now; None if there is no such alias.

    Whose first candidate was refused points at nothing: once there is a gate, what did not pass it
    answers nothing.
    """
    lines = [one for one in past if one.action != REFUSE] or past
    return lines[-1] if lines else None


def check(alias: str) -> str:
    """The name of an alias.

    Raises:
        InvalidInput: it has other than letters, digits, - or _.
    """
    if not alias.replace("-", "").replace("_", "").isalnum():
        raise InvalidInput(f"{alias!r} is no name for adapters: take letters, digits, - and _")
    return alias


def write(
    memory: Memory, past: Sequence[Promotion], alias: str, model: str, action: str,
    members: Iterable[str], *, candidate: Iterable[str] = (),
    figures: Mapping[str, Any] | None = None, why: str = "",
) -> Promotion:  # fmt: skip
    """The next line of an alias whose past is known.

    Raises:
        AliasMoved: it has another past by now.
    """
    line = Promotion(
        memory.namespace, check(alias), model, action, tuple(sorted(members)),
        tuple(sorted(candidate)), figures or {}, why, memory.actor,
    )  # fmt: skip
    return memory._store.promote(line, past[-1].num if past else 0)


def rollback(
    memory: Memory, alias: str = CURRENT, *, model: str | None = None, why: str = "by hand"
) -> Promotion:
    """Point an alias at the set that was promoted before the present one; at none before the first.

    A canary that is under way is stopped instead. What was forgotten or has changed since is in no
    weights any more, whatever an alias says.

    Args:
        model: the digest of the base, or its beginning; needed if the alias is of several.

    Raises:
        NotFound: no such alias, or nothing before where it points.
        AliasMoved: it was moved meanwhile.
    """
    return gone_back(memory, one_past(memory, alias, model), why)


def gone_back(
    memory: Memory, past: Sequence[Promotion], why: str, *, candidate: Iterable[str] = (),
    figures: Mapping[str, Any] | None = None,
) -> Promotion:  # fmt: skip
    """Take an alias whose past is known one promotion back; see `rollback`."""
    line, sets = standing(past) or past[-1], _sets(past)
    if line.action == CANARY:
        return write(
            memory, past, line.alias, line.model, "stop", line.members,
            candidate=line.candidate, why=why,
        )  # fmt: skip
    if len(sets) < 2:
        raise NotFound(f"the alias {line.alias!r} points at nothing: nothing to go back to")
    return write(
        memory, past, line.alias, line.model, "rollback", sets[-2], candidate=candidate,
        figures=figures, why=why,
    )  # fmt: skip


def one_past(memory: Memory, alias: str, model: str | None) -> list[Promotion]:
    """The past of an alias, for the one base it is of.

    Raises:
        NotFound: there is no such alias. InvalidInput: it is of several bases.
    """
    found = [one for one in history(memory, alias) if one.model.startswith(model or "")]
    if not found:
        raise NotFound(f"namespace {memory.namespace!r} has no alias {alias!r}: nothing promoted")
    models = sorted({one.model for one in found})
    if len(models) > 1:
        shown = ", ".join(one[:_TOLD] for one in models)
        raise InvalidInput(f"the alias {alias!r} is of several bases: say which: {shown}")
    return found


def _sets(past: Sequence[Promotion]) -> list[tuple[str, ...]]:
    """The sets that were promoted one on the other, as far as they were not rolled back."""
    sets: list[tuple[str, ...]] = [()]
    for one in past:
        if one.action == "rollback":
            sets.pop()
        elif one.action != REFUSE and one.members != sets[-1]:
            sets.append(one.members)
    return sets
