"""Desk: where the tools work, a scope nobody leaves over whatever gives access to a memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.errors import InvalidInput, InvalidNamespace, NotFound

if TYPE_CHECKING:
    from mnemon.cube import Receipt
    from mnemon.memory import Memory
    from mnemon.server.audit.act import Act

    Door = Callable[[str, str], tuple[Memory, str]]

_WHOLE = 36
_FEWEST = 4
SHORT = 8
"""Characters at an id's end that tell cubes apart; ids begin with the time."""


class Desk:
    """One namespace of a memory; every tool works here, and only here.

    Args:
        scope: the namespace; a tool can name one below it, never beside or above it.
        door: a verb (`read`, `write`, `forget`) and a namespace → the memory and the namespace;
            it raises AccessDenied for what the caller may not.
        act: what is told of the call where calls are audited.
    """

    def __init__(self, scope: str, door: Door, act: Act | None = None) -> None:
        self.scope = paths.check(scope)
        self._door = door
        self._act = act

    def on(self, verb: str, below: str | None = None) -> tuple[Memory, str]:
        """The memory, and the whole path of a namespace named from here, for a call that needs a
        verb.

        Raises:
            InvalidNamespace: see `within`.
            AccessDenied, RateLimited: the caller may not, or not so often.
        """
        return self._door(verb, self.within(below))

    def called(self, name: str) -> None:
        """Tell the audit log, where there is one, what is called."""
        if self._act is not None:
            self._act.call = name

    def touch(self, ids: Iterable[str], **detail: Any) -> None:
        """Tell it which cubes the call is about."""
        if self._act is not None:
            self._act.touch(ids, **detail)

    def forgot(self, receipt: Receipt) -> None:
        """Tell it what was forgotten."""
        if self._act is not None:
            self._act.forgot(receipt)

    def failed(self, error: Exception) -> None:
        """Tell it that the call failed."""
        if self._act is not None:
            self._act.failed = error

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

    def id(self, memory: Memory, typed: str) -> str:
        """The whole id for a whole one or the end of one.

        Raises:
            InvalidInput: too short, or several ids end so.
            NotFound: none does.
        """
        if len(typed) >= _WHOLE:
            return typed.lower()
        if len(typed) < _FEWEST:
            raise InvalidInput(f"{typed!r} is too short for an id: give all its characters")
        found = memory.find(typed, namespace=self.scope)
        if len(found) > 1:
            raise InvalidInput(f"several ids end in {typed!r}, give one whole: {', '.join(found)}")
        if not found:
            raise NotFound(f"no memory has the id {typed!r}")
        return found[0]
