"""Desk: the memory behind the tools, opened when first used, and a scope nobody leaves."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.errors import InvalidInput, InvalidNamespace, NotFound

if TYPE_CHECKING:
    from mnemon.memory import Memory

_WHOLE = 36
_FEWEST = 4
SHORT = 8
"""Characters at an id's end that tell cubes apart; ids begin with the time."""


class Desk:
    """One store and one namespace; every tool works here, and only here.

    Args:
        store: the store's file, its database or a server; None for the user's own file.
        scope: the namespace; a tool can name one below it, never beside or above it.
        program: how it is searched, by name; a server knows that itself.
        api_key: what a server asks for.
    """

    def __init__(
        self, store: str | None, scope: str, program: str = "default", *, api_key: str | None = None
    ) -> None:
        self.store = store
        self.api_key = api_key
        self.scope = paths.check(scope)
        self.program = program
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
                self._memory = Memory(self.store, namespace=self.scope, **who)
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

    def within(self, below: str | None) -> str:
        """The whole path of a namespace named from here: "work" is `<scope>/work`.

        Raises:
            InvalidNamespace: not a plain path. Names are joined, never followed, so that none of
                them leads out.
        """
        if below is None:
            return self.scope
        try:
            return paths.check(f"{self.scope}/{paths.check(below)}")
        except InvalidNamespace as error:
            raise InvalidNamespace(
                f"{error}. It is counted from this server's own namespace: leave it out to work "
                "there"
            ) from error

    def below(self, path: str) -> str | None:
        """A namespace as the tools name it; None for the scope itself."""
        return path[len(self.scope) + 1 :] or None

    def id(self, typed: str) -> str:
        """The whole id for a whole one or the end of one.

        Raises:
            InvalidInput: too short, or several ids end so.
            NotFound: none does.
        """
        if len(typed) >= _WHOLE:
            return typed.lower()
        if len(typed) < _FEWEST:
            raise InvalidInput(f"{typed!r} is too short for an id: give all its characters")
        found = self.memory.find(typed)
        if len(found) > 1:
            raise InvalidInput(f"several ids end in {typed!r}, give one whole: {', '.join(found)}")
        if not found:
            raise NotFound(f"no memory has the id {typed!r}")
        return found[0]
