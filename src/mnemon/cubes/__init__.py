"""Whole cubes: several made one, and moved between stores.

    from mnemon.cubes import compose, fuse, migrate

    day = compose(memory, [first, second], kind="summary")
    one = fuse(memory, [old, new], "Ana lives in Porto.")
    migrate(memory, other, ids=[one.id])

They call a memory as anyone does: a file, PostgreSQL and a server are all the same to them.
`memory.cube(first, second).fuse()` says the same.
"""

from __future__ import annotations

from mnemon.cubes.chosen import Cubes
from mnemon.cubes.composing import compose
from mnemon.cubes.exporting import export
from mnemon.cubes.fusing import fuse
from mnemon.cubes.migrating import Migrated, migrate

__all__ = ["Cubes", "Migrated", "compose", "export", "fuse", "migrate"]
