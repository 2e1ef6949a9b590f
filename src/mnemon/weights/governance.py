"""What may not be compiled to weights: every writer of adapters and latent states asks here.

The store asks again, in the transaction that publishes, for what no writer may overlook: a policy
with `compile=False`, and a namespace that is withheld.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mnemon import namespace as paths

if TYPE_CHECKING:
    from mnemon.choosing import Kinds
    from mnemon.cube import MemCube
    from mnemon.memory import Memory

LATENT = "latent"
"""The form of an artifact that holds a latent state or pool."""
_PAGE = 1000


def withheld(memory: Memory, cubes: Iterable[MemCube]) -> dict[str, str]:
    """Those of some cubes that may not be compiled to weights or latent states, by id, and why.

    So are cubes whose policy forbids it (`compile=False`), all of a namespace that is withheld, or
    of one below it; cubes that only some may read, since weights cannot tell who asks; and cubes
    that end (`valid_to`), since weights do not.
    """
    prefixes = [one.namespace for one in memory._store.withheld()]
    told = ((cube.id, _why(cube, prefixes)) for cube in cubes)
    return {id: why for id, why in told if why is not None}


def permitted(memory: Memory, kind: Kinds) -> tuple[list[MemCube], tuple[str, ...]]:
    """The current cubes of some kinds that may become weights, as they were recorded, and ids of
    those that may not."""
    cubes = current(memory, kind)
    barred = withheld(memory, cubes)
    return [cube for cube in cubes if cube.id not in barred], tuple(barred)


def current(memory: Memory, kind: Kinds) -> list[MemCube]:
    """A namespace's current cubes of some kinds, as they were recorded."""
    found: list[MemCube] = []
    after: str | None = None
    while page := memory.list(kind=kind, after=after, limit=_PAGE):
        found += page
        after = page[-1].id
    return found


def _why(cube: MemCube, prefixes: list[str]) -> str | None:
    if not cube.policy.compile:
        return "its policy forbids compiling to weights"
    over = next((path for path in prefixes if paths.contains(path, cube.namespace)), None)
    if over is not None:
        return f"namespace {over!r} is withheld from weights"
    if cube.policy.readers:
        return "only some may read it, and weights cannot tell who asks"
    if cube.valid_to is not None:
        return "it ends, and weights do not"
    return None
