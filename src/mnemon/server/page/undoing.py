"""Undoing a forgetting: the cube, and the links that ended with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mnemon.cube import MemCube
from mnemon.errors import AccessDenied, NotFound
from mnemon.memory import Memory

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Returned:
    """A cube that is back, with how many of its links are, and are not."""

    cube: MemCube
    links: int
    lost: int


def bring_back(memory: Memory, id: str, scope: str) -> Returned:
    """Restore a forgotten cube as it last was, and its links to cubes that are there.

    What methods had derived from it stays forgotten: it was made of the version that ended.

    Raises:
        NotFound: the namespace never had it, or it was purged.
        AccessDenied: its policy names other writers.
    """
    retired = memory.history(id, namespace=scope)[-1].retired_at
    if retired is None:
        return Returned(memory.get(id, namespace=scope), 0, 0)
    ended = memory.links(id, namespace=scope, as_of=retired - _MICROSECOND)
    cube = memory.restore(id, namespace=scope)
    done = 0
    for link in ended:
        try:
            memory.link(
                link.src, link.type, link.dst,
                weight=link.weight, metadata=link.metadata, namespace=scope,
            )  # fmt: skip
        except (NotFound, AccessDenied):
            continue  # its other end is gone too, or is not his to change: counted as lost
        done += 1
    return Returned(cube, done, len(ended) - done)
