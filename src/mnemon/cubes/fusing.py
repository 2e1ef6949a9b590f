"""Fusing: cubes that say the same, or contradict each other, → one, whose sources they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon.cube import MemCube
from mnemon.cubes.composing import Content, drafted, read
from mnemon.errors import AccessDenied, InvalidInput

if TYPE_CHECKING:
    from mnemon.memory import Memory

PRODUCER = "fuse"


def fuse(
    memory: Memory, ids: Sequence[str], content: Content | None = None, *,
    contradict: bool = False, namespace: str | None = None, **fields: Any,
) -> MemCube:  # fmt: skip
    """One cube for several. They are its sources.

    Cubes that say the same are superseded: they are forgotten, and the new one is found instead.
    The past keeps them (`history`, `as_of=`, `restore`), and the new one's spans name the versions
    it was made from. Cubes that contradict each other are left as they are, linked `contradicts`
    from the newer to the older of each two, and the new one is `about` them: which one is right
    is for a person to say.

    Args:
        ids: of current cubes; two at least.
        content: of the new cube, or a function of the cubes; by default that of the one that was
            true last. If they contradict each other, it must be given.
        contradict: whether they do.
        fields: other fields of a `Draft`. `at` is when the new one begins to be true, by default
            when the last of them did.

    Raises:
        NotFound, InvalidInput: as of `compose`; a contradiction without content.
        AccessDenied: one that would be superseded may not be written, or is on hold (OnHold);
            nothing was done.
    """
    cubes = read(memory, ids, namespace)
    newest = max(cubes, key=lambda one: (one.valid_from, one.recorded_at))
    if content is None:
        if contradict:
            raise InvalidInput("cubes that contradict each other have no common content: give it")
        content = newest.content
    if not contradict:
        _check_writable(memory, cubes)
    given = {"at": newest.valid_from, **fields}
    draft = drafted(cubes, content, "\n", None, PRODUCER, given)
    one = memory.add(draft, namespace=namespace)
    if contradict:
        _contradicting(memory, one, cubes, namespace)
    else:
        _superseded(memory, one, cubes, namespace)
    return one


def _check_writable(memory: Memory, cubes: Sequence[MemCube]) -> None:
    for one in cubes:
        if one.policy.writers and memory.actor not in one.policy.writers:
            raise AccessDenied(
                f"{memory.actor!r} may not supersede cube {one.id}: its policy names "
                f"{', '.join(one.policy.writers)}"
            )


def _superseded(
    memory: Memory, one: MemCube, cubes: Sequence[MemCube], namespace: str | None
) -> None:  # fmt: skip
    try:
        memory.forget([old.id for old in cubes], namespace=namespace)
    except AccessDenied:
        memory.forget(one.id, namespace=namespace, purge=True)
        raise


def _contradicting(
    memory: Memory, one: MemCube, cubes: Sequence[MemCube], namespace: str | None
) -> None:  # fmt: skip
    by_time = sorted(cubes, key=lambda one: (one.valid_from, one.recorded_at))
    for number, newer in enumerate(by_time):
        memory.link(one.id, "about", newer.id, namespace=namespace)
        for older in by_time[:number]:
            memory.link(newer.id, "contradicts", older.id, namespace=namespace)
