"""Standing: what was said first stands, for those whose keys are names of places.

A key names a turn of a chat, or an item: what is there now may say something else, and they decide
what becomes of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from mnemon.cube import Draft, MemCube
from mnemon.errors import KeyReused
from mnemon.memory import Memory


def add(memory: Memory, drafts: Sequence[Draft], namespace: str) -> list[MemCube]:
    """`Memory.add` of drafts with keys, but the cube as it is now where a key is another's.

    Raises:
        NotFound: that one was purged meanwhile, or is not this actor's to read.
    """
    there: dict[int, MemCube] = {}
    while True:
        left = [place for place in range(len(drafts)) if place not in there]
        try:
            made = memory.add([drafts[place] for place in left], namespace=namespace)
        except KeyReused as error:
            there |= _taken(memory, drafts, namespace, error, left)
        else:
            every = there | dict(zip(left, made, strict=True))
            return [every[place] for place in range(len(drafts))]


def _taken(
    memory: Memory, drafts: Sequence[Draft], namespace: str, error: KeyReused, left: Sequence[int]
) -> dict[int, MemCube]:
    cube = memory.history(error.id, namespace=namespace)[-1]
    return {place: cube for place in left if drafts[place].key == error.key}
