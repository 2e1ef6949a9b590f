"""Carrying out: decisions → the calls that do them, budgets looked at once more before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput, NotFound, OnHold, PlaceFailed, VersionConflict
from mnemon.schedule.decision import Decision
from mnemon.schedule.live import embedding, survey
from mnemon.schedule.live.places import surveyed

if TYPE_CHECKING:
    from mnemon.schedule.live.building import By
    from mnemon.schedule.live.plan import Doing

Left = tuple[Decision[str], str]
"""A decision that was not carried out, and why."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a plan's decisions."""

    done: tuple[Decision[str], ...]
    left: tuple[Left, ...]


def carried(
    decisions: Sequence[Decision[str]], doing: Doing, progress: Callable[[int, int], None] | None
) -> Applied:
    """See `Plan.apply`."""
    done, left = list[Decision[str]](), list[Left]()
    try:
        for action, group in groupby(decisions, key=lambda one: one.action):
            some = list(group)
            undone = _DOES[action](some, doing)
            left += undone
            failed = [one for one, _ in undone]
            done += [one for one in some if one not in failed]
            if progress is not None:
                progress(len(done) + len(left), len(decisions))
    finally:
        rules, now = doing.survey.rules, doing.survey.now
        names = [f"{one.form}:{one.cube}" for one in done if one.form in ("kv", "adapter")]
        if names:
            doing.notes.set_moved(names, now, timedelta(days=rules.rest))
    return Applied(tuple(done), tuple(left))


def _expire(some: Sequence[Decision[str]], doing: Doing) -> list[Left]:
    memory, left = doing.survey.memory, list[Left]()
    for one in some:
        version = doing.survey.standing[one.cube].cube.version
        try:
            memory.forget(one.cube, version=version)
        except (NotFound, OnHold, VersionConflict) as error:
            left.append((one, str(error)))
    return left


def _drop(some: Sequence[Decision[str]], doing: Doing) -> list[Left]:
    doing.survey.memory.artifacts.drop([one.key for one in some])
    return []


def _move(some: Sequence[Decision[str]], doing: Doing) -> list[Left]:
    left = list[Left]()
    for one in some:
        try:
            if not doing.survey.places.move(doing.survey.memory, one.key, one.to):
                left.append((one, f"it did not come to {one.to}"))
        except PlaceFailed as error:
            left.append((one, str(error)))
    return left


def _compile(some: Sequence[Decision[str]], doing: Doing) -> list[Left]:
    by, places = _by(doing), doing.survey.places
    fits, left = _fitting(some, doing, "kv")
    for tier in dict.fromkeys(one.to for one in fits):
        at = [one for one in fits if one.to == tier]
        ids = [id for one in at for id in doing.texts[one.key]]
        report = doing.survey.memory.compile(
            ids, by.prepared.model, tokenizer=by.prepared.tokenizer, head=by.prepared.head,
            to=places.addresses[tier],
        )  # fmt: skip
        skipped = dict(report.skipped)
        left += [(one, skipped[one.cube]) for one in at if one.cube in skipped]
    return left


def _consolidate(some: Sequence[Decision[str]], doing: Doing) -> list[Left]:
    by, memory = _by(doing), doing.survey.memory
    fits, left = _fitting(some, doing, "adapter")
    if not fits:
        return left
    ids = tuple(one.cube for one in fits)
    cubes = [
        cube for _, cube in memory._store.select(memory._chosen(None, ids=ids))
        if cube.version == doing.survey.standing[cube.id].cube.version
    ]  # fmt: skip
    why = dict.fromkeys(ids, "it changed meanwhile")
    if cubes:
        made = memory.compile(cubes, by.prepared.model, "weights", tokenizer=by.prepared.tokenizer)
        refused = made.promotion is not None and made.promotion.action == "refuse"
        now = "what was trained did not pass the gate" if refused else ""
        why |= dict.fromkeys((one.id for one in cubes), now) | dict(made.skipped)
    return left + [(one, why[one.cube]) for one in fits if why[one.cube]]


def _re_embed(some: Sequence[Decision[str]], doing: Doing) -> list[Left]:
    memory = doing.survey.memory
    memory.reindex(embedding.target(memory, doing.embedder))
    return []


_DOES: dict[str, Callable[[Sequence[Decision[str]], Doing], list[Left]]] = {
    "expire": _expire, "drop": _drop, "demote": _move, "promote": _move, "compile": _compile,
    "consolidate": _consolidate, "re-embed": _re_embed,
}  # fmt: skip


def _by(doing: Doing) -> By:
    if doing.by is None:
        raise InvalidInput("nothing can be compiled without a model: plan with model=")
    return doing.by


def _fitting(
    some: Sequence[Decision[str]], doing: Doing, form: str
) -> tuple[list[Decision[str]], list[Left]]:  # fmt: skip
    """Those for which there still is room, whatever others compiled since it was planned."""
    of = doing.survey
    found = survey.artifacts(of.memory, of.budgets)
    keys = [one.key for one in found if one.elsewhere]
    places, tiers = of.places, of.places.tiers
    to = tiers or places.addresses.get("disk")
    remote = None if tiers else places.addresses.get("remote")
    now = replace(of, artifacts=found, places=surveyed(of.memory, to, remote, keys))
    tiered = {one.to for one in some if one.to}
    rooms = {name: now.room(name, ()) for name in (form, *(f"{form}.{to}" for to in tiered))}
    fits, left = list[Decision[str]](), list[Left]()
    for one in some:
        names = [form, *([f"{form}.{one.to}"] if one.to else [])]
        if one.bytes <= min(rooms[name] for name in names):
            fits.append(one)
            for name in names:
                rooms[name] -= one.bytes
        else:
            left.append((one, "there is no longer room for it within the budget"))
    return fits, left
