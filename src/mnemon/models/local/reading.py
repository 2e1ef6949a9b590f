"""Reading: which versions are current, asked once a turn."""

from __future__ import annotations

from collections.abc import Iterable

from mnemon.cube import MemCube
from mnemon.errors import NotFound
from mnemon.memory import Memory
from mnemon.models.local.wording import Source, mark


class Reading:
    """A memory as one turn reads it: a cube is asked for at most once."""

    def __init__(self, memory: Memory, known: Iterable[MemCube] = ()) -> None:
        self.memory = memory
        self._known: dict[str, MemCube | None] = {}
        self._sound: dict[Source, bool] = {}
        self.learn(known)

    def learn(self, cubes: Iterable[MemCube]) -> None:
        """Take in current versions that were just read."""
        self._known.update((cube.id, cube) for cube in cubes)

    def current(self, id: str) -> MemCube | None:
        """A cube's current version; None if it was forgotten, or may not be read."""
        if id not in self._known:
            try:
                self._known[id] = self.memory.get(id)
            except NotFound:
                self._known[id] = None
        return self._known[id]

    def version(self, source: Source) -> MemCube | None:
        """A version, if it is the current one."""
        cube = self.current(source[0])
        return cube if cube is not None and cube.version == source[1] else None

    def sound(self, cube: MemCube) -> bool:
        """Whether all that a cube was derived from is current, and so on down to what was said.

        An answer that quoted a fact which was corrected since is not.
        """
        me = mark(cube)
        if me not in self._sound:
            self._sound[me] = True  # what is derived from itself is decided by the rest
            self._sound[me] = all(
                (source := self.version((span.cube, span.version))) is not None
                and self.sound(source)
                for span in cube.provenance.spans
            )
        return self._sound[me]
