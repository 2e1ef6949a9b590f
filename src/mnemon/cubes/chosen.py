"""Cubes: some of a memory's, to be made one, exported or moved: `memory.cube(first, second)`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.cube import MemCube
from mnemon.cubes.composing import Content, compose
from mnemon.cubes.exporting import export
from mnemon.cubes.fusing import fuse
from mnemon.cubes.migrating import Migrated, migrate

if TYPE_CHECKING:
    from mnemon.memory import Memory


class Cubes:
    """Some cubes by their ids. Nothing is read before it is asked for."""

    def __init__(self, memory: Memory, ids: tuple[str, ...], namespace: str | None) -> None:
        self.ids = ids
        self._memory, self._namespace = memory, namespace

    def compose(self, /, content: Content | None = None, **fields: Any) -> MemCube:
        """See `mnemon.cubes.compose`."""
        return compose(self._memory, self.ids, content, namespace=self._namespace, **fields)

    def fuse(
        self, /, content: Content | None = None, *, contradict: bool = False, **fields: Any
    ) -> MemCube:
        """See `mnemon.cubes.fuse`."""
        return fuse(
            self._memory, self.ids, content, contradict=contradict, namespace=self._namespace,
            **fields,
        )  # fmt: skip

    def migrate(self, other: Memory, *, artifacts: bool = True, move: bool = False) -> Migrated:
        """See `mnemon.cubes.migrate`."""
        return migrate(
            self._memory, other, self.ids, namespace=self._namespace, artifacts=artifacts,
            move=move,
        )  # fmt: skip

    def export(self, path: str | Path, *, artifacts: bool = True) -> dict[str, int]:
        """See `mnemon.cubes.export`."""
        return export(
            self._memory, path, self.ids, namespace=self._namespace, artifacts=artifacts
        )  # fmt: skip
