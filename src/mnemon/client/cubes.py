"""`memory.cube(…)` of a memory behind a server, awaited.

Composing and moving are made of several calls, written once for memories that wait: so they are
carried out on a thread, by a client that waits, which is opened for each.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any

from mnemon.cubes import Cubes

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mnemon.client.remote import RemoteMemory


class AwaitableCubes(Cubes):
    """`Cubes` whose every call gives an awaitable of what its signature says."""

    def __init__(
        self, opened: Callable[[], RemoteMemory], ids: tuple[str, ...], namespace: str | None
    ) -> None:
        self.ids = ids
        self._opened, self._namespace = opened, namespace

    def compose(self, /, *args: Any, **given: Any) -> Any:
        """See `Cubes.compose`."""
        return self._later("compose", args, given)

    def fuse(self, /, *args: Any, **given: Any) -> Any:
        """See `Cubes.fuse`."""
        return self._later("fuse", args, given)

    def migrate(self, *args: Any, **given: Any) -> Any:
        """See `Cubes.migrate`."""
        return self._later("migrate", args, given)

    def export(self, *args: Any, **given: Any) -> Any:
        """See `Cubes.export`."""
        return self._later("export", args, given)

    def _later(
        self, name: str, args: tuple[Any, ...], given: dict[str, Any]
    ) -> Coroutine[Any, Any, Any]:
        return asyncio.to_thread(self._made, name, args, given)

    def _made(self, name: str, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
        with closing(self._opened()) as memory:
            cubes = Cubes(memory, self.ids, self._namespace)
            return getattr(cubes, name)(*args, **given)
