"""Own: a memory of whoever starts the server, opened when a tool first needs it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from mnemon.server.mcp.desk import Desk

if TYPE_CHECKING:
    from mnemon.memory import Memory


class Own:
    """One store, and the desk for a namespace of it. Whoever reaches the desk may do everything.

    Args:
        store: the store's file, its database or a server; None for the user's own file.
        scope: the desk's namespace.
        program: how it is searched, by name; a server knows that itself.
        api_key: what a server asks for.
    """

    def __init__(
        self, store: str | None, scope: str, program: str = "default", *, api_key: str | None = None
    ) -> None:
        self.store = store
        self.api_key = api_key
        self.program = program
        self.desk = Desk(scope, lambda verb, namespace: (self.memory, namespace))
        self._memory: Memory | None = None
        self._lock = threading.Lock()

    @property
    def memory(self) -> Memory:
        """The memory; opening takes a while, so it waits for the first tool that needs it."""
        with self._lock:
            if self._memory is None:
                from mnemon.memory import Memory
                from mnemon.store.address import is_server

                served = is_server(self.store or "")
                # With a key it is the key that acts.
                keyed = served and self.api_key is not None
                who: dict[str, Any] = {"api_key": self.api_key} if keyed else {"actor": "mcp"}
                if not served or self.program != "default":
                    who["program"] = self.program
                self._memory = Memory(self.store, namespace=self.desk.scope, **who)
            return self._memory

    def prepare(self) -> None:
        """Load what another program than the default one needs, which takes as long as it takes.

        Raises:
            MnemonError: the program lacks something.
        """
        if self.program != "default":
            self.memory._searcher.prepare()

    def close(self) -> None:
        """Give the memory back, if it was opened."""
        with self._lock:
            memory, self._memory = self._memory, None
        if memory is not None:
            memory.close()
