"""Expiring: what its policy kept until now; and what has faded, where that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from mnemon.cube import MemCube
from mnemon.schedule.decision import Decision
from mnemon.schedule.live.lifecycle import Standing
from mnemon.schedule.live.survey import Survey


def decided(of: Survey) -> list[Decision[str]]:
    """What is to be retired. Never what is on hold, or what the actor may not change."""
    found = list(_found(of))
    held = of.memory._store.held([one.cube for one in found]) if found else {}
    return [one for one in found if one.cube not in held]


def _found(of: Survey) -> Iterator[Decision[str]]:
    for one in of.standing.values():
        writers = one.cube.policy.writers
        if writers and of.memory.actor not in writers:
            continue
        if (reason := _reason(of, one)) is not None:
            size = len(one.cube.content.encode())
            yield Decision("expire", one.cube.id, reason, form="text", bytes=size)


def _reason(of: Survey, one: Standing) -> str | None:
    until = one.cube.policy.retain_until
    if one.state == "expired" and until is not None:
        return f"its policy keeps it until {until.date().isoformat()}"
    if one.strength < of.rules.floor and _may_fade(of, one.cube):
        return f"strength {one.strength:.2g} is below the floor of {of.rules.floor:g}"
    return None


def _may_fade(of: Survey, cube: MemCube) -> bool:
    """What a policy keeps until later does not, nor what is new, nor what methods derived: that
    goes with its sources."""
    until = cube.policy.retain_until
    derived = cube.provenance.producer.startswith("method:")
    young = cube.recorded_at > of.now - timedelta(days=of.rules.new)
    return not (until or derived or young or cube.kind in of.rules.spared)
