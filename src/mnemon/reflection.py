"""Reflection: a program's maintenance proposes edits, the core carries them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mnemon import methods
from mnemon.cube import Edit
from mnemon.errors import InvalidInput, NotFound, OnHold, VersionConflict
from mnemon.instant import from_micros, now_micros
from mnemon.removal import carry_out
from mnemon.store import Store
from mnemon.text.program import Program

if TYPE_CHECKING:
    from mnemon.memory import Memory


def reflect(
    memory: Memory,
    store: Store,
    program: Program,
    scope: str,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Run every `maintain` method of the program over a scope; how many edits were made.

    An edit whose cube changed since the method read it is dropped: the next run sees the new state.
    """
    now = from_micros(now_micros())
    done = 0
    for step, name in enumerate(program.maintain):
        method = methods.load("text.maintain", name)
        for edit in method.maintain(memory, scope, now):
            if progress is not None:
                progress(step, len(program.maintain))
            done += _carry_out(memory, store, scope, edit, methods.producer(method))
    carry_out(store, store.sweep(scope, memory.actor))
    return done


def _carry_out(memory: Memory, store: Store, scope: str, edit: Edit, producer: str) -> bool:
    try:
        if edit.action == "retire" and edit.cube is not None:
            current = memory.get(edit.cube, namespace=scope)
            if edit.version not in (None, current.version):
                return False
            ended, keys = store.retire([edit.cube], producer)
            carry_out(store, keys)
            return bool(ended)
        if edit.action == "update" and edit.cube is not None:
            changes = {**edit.changes, "producer": producer}
            memory.update(edit.cube, namespace=scope, version=edit.version, **changes)
            return True
        if edit.action == "add" and edit.draft is not None:
            memory.add(replace(edit.draft, producer=producer), namespace=scope)
            return True
        if edit.action == "link" and edit.link is not None:
            link = edit.link
            memory.link(
                link.src, link.type, link.dst,
                weight=link.weight, metadata=link.metadata, namespace=scope,
            )  # fmt: skip
            return True
    except (NotFound, VersionConflict, OnHold):
        return False
    raise InvalidInput(f"{producer} proposed an edit nobody knows: {edit.action!r}")
