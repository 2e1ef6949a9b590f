"""Rolling back: a namespace's text becomes what it was at a moment, by new versions.

Nothing of the past is lost: what was written since is history too. All of it is one transaction.
What was derived is tied again to the versions that its sources have now, whose content is the same.
What is compiled follows by the freshness rule: it was made from other versions, so it is stale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mnemon.cube import Link, MemCube, Rollback
from mnemon.identity import made_at
from mnemon.instant import Instant, from_micros, now_micros, parse, to_micros
from mnemon.recording import Recorder, Revised
from mnemon.removal import carry_out
from mnemon.store import Store
from mnemon.store.rows import Filter

if TYPE_CHECKING:
    from mnemon.memory import Memory

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done: ids to retire, versions to write (sources first), links to end and make.

    Attributes:
        touched: all whose current versions end. lost: derived cubes whose sources are not there.
    """

    ended: tuple[str, ...]
    revised: tuple[Revised, ...]
    unlinked: tuple[Link, ...]
    linked: tuple[Link, ...]
    touched: Set[str]
    lost: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not (self.ended or self.revised or self.unlinked or self.linked)


def roll_back(
    memory: Memory, store: Store, recorder: Recorder, scope: str, to: Instant, dry_run: bool
) -> Rollback:
    """See `Memory.rollback`."""
    moment = to_micros(parse(to))
    now, past = _cubes(memory, store, scope, moment)
    plan = _plan(store, scope, now, past, moment)
    _check(memory, store, scope, plan, now, past)
    forms = _compiled(memory, scope, plan.touched)
    if not (dry_run or plan.empty):
        edits = (plan.ended, plan.revised, plan.unlinked, plan.linked)
        told = {"to": from_micros(moment).isoformat()}
        carry_out(store, recorder.rewind(scope, *edits, told))
    ids = [one.cube.id for one in plan.revised]
    return Rollback(
        to=from_micros(moment), restored=tuple(id for id in ids if id not in now),
        revised=tuple(id for id in ids if id in now), retired=plan.ended,
        linked=len(plan.linked), unlinked=len(plan.unlinked),
        purged=_purged(store, scope, moment), lost=plan.lost, forms=forms, dry_run=dry_run,
        at=from_micros(now_micros()),
    )  # fmt: skip


def _cubes(
    memory: Memory, store: Store, scope: str, moment: int
) -> tuple[dict[str, MemCube], dict[str, MemCube]]:
    """The cubes of now and of a moment, in the order of recording. What the actor may not read, now
    or then, is left out of both: it stays as it is."""
    now, past = (
        {cube.id: cube for _, cube in store.select(Filter(scope, as_of=at))}
        for at in (None, moment)
    )
    either = (*now.values(), *past.values())
    hidden = {cube.id for cube in either if not memory._may_read(cube)}
    for id in hidden:
        now.pop(id, None)
        past.pop(id, None)
    return now, past


def _check(
    memory: Memory, store: Store, scope: str, plan: _Plan, now: Mapping[str, MemCube],
    past: Mapping[str, MemCube],
) -> None:  # fmt: skip
    for id in (*plan.ended, *(one.cube.id for one in plan.revised)):
        memory._may_write(now[id] if id in now else store.history(scope, id)[-1])
        if id in past:
            memory._may_write(past[id])


def _plan(
    store: Store, scope: str, now: Mapping[str, MemCube], past: Mapping[str, MemCube], moment: int
) -> _Plan:
    ended = tuple(id for id in now if id not in past)
    again: set[str] = set()
    while True:
        revised, lost = _revised(store, scope, now, past, again)
        changed = {*ended, *(one.cube.id for one in revised)}
        # What methods derived from a version ends with it: such cubes come back after it.
        touched = set(store.ending(sorted(changed)).ids)
        more = (touched & past.keys()) - changed - again - {*lost}
        if not more:
            break
        again |= more
    before, after = (_links(store, scope, past.keys() - {*lost}, at) for at in (moment, None))
    derived = {one.cube.id for one in revised if _derived(now.get(one.cube.id))}
    return _Plan(
        ended, revised,
        tuple(link for ends, link in after.items() if ends not in before),
        tuple(
            link for ends, link in before.items()
            if ends not in after or derived & {link.src, link.dst}
        ),
        touched, lost,
    )  # fmt: skip


def _revised(
    store: Store, scope: str, now: Mapping[str, MemCube], past: Mapping[str, MemCube],
    again: Set[str],
) -> tuple[tuple[Revised, ...], tuple[str, ...]]:  # fmt: skip
    """The versions to write, and derived cubes that cannot be: their sources are not there.

    Args:
        again: cubes that end on the way, though they are as they were.
    """
    version: dict[str, int] = {}
    revised, lost = list[Revised](), list[str]()
    for id, cube in past.items():  # as they were recorded: a source before what is derived from it
        spans = tuple(
            replace(span, version=version[span.cube])
            if span.cube in version and span.version == past[span.cube].version else span
            for span in cube.provenance.spans
        )  # fmt: skip
        wanted = replace(cube, provenance=replace(cube.provenance, spans=spans))
        current = now.get(id)
        if current is not None and id not in again and _content(current) == _content(wanted):
            version[id] = current.version
        elif _derived(cube) and any(span.cube not in version for span in spans):
            lost.append(id)
        else:
            latest = current or store.history(scope, id)[-1]
            version[id] = latest.version + 1
            revised.append(Revised(wanted, latest.version))
    return tuple(revised), tuple(lost)


def _derived(cube: MemCube | None) -> bool:
    return cube is not None and cube.provenance.producer.startswith("method:")


def _content(cube: MemCube) -> tuple[object, ...]:
    """All of a cube that a version holds."""
    return (
        cube.content, cube.kind, cube.speaker, cube.session, cube.valid_from, cube.valid_to,
        cube.metadata, cube.provenance, cube.policy,
    )  # fmt: skip


def _links(
    store: Store, scope: str, ids: Set[str], moment: int | None
) -> dict[tuple[str, str, str], Link]:
    """Links between some cubes, by what tells them apart."""
    found = (link for id in ids for link in store.links(scope, id, moment))
    return {(one.src, one.type, one.dst): one for one in found if {one.src, one.dst} <= ids}


def _compiled(memory: Memory, scope: str, ids: Set[str]) -> dict[str, int]:
    """Fresh artifacts made from any of some cubes, by form."""
    found = memory.artifacts.list(namespace=scope) if ids else []
    return dict(
        Counter(one.form for one in found if one.fresh and any(id in ids for id, _ in one.sources))
    )


def _purged(store: Store, scope: str, moment: int) -> tuple[str, ...]:
    """Cubes that were recorded by a moment, and purged after it."""
    found, before = list[str](), None
    while events := store.journal(scope, None, 0, _PAGE, before):
        found += [
            one.cube for one in reversed(events)
            if one.verb == "purge" and one.cube is not None
            and made_at(one.cube) <= moment < to_micros(one.at)
        ]  # fmt: skip
        if to_micros(events[0].at) <= moment:
            break
        before = events[0].seq
    return tuple(reversed(found))
