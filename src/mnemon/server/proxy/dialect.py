"""What a dialect of the API must say; the exchange is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mnemon.server.proxy.places import Place
from mnemon.server.proxy.turns import Answer, Conversation


class Listener(Protocol):
    """Hears the events of a stream and knows when the answer came to its end."""

    def hear(self, event: str, data: str) -> None:
        """Take in one event."""
        ...

    @property
    def answer(self) -> Answer | None:
        """What was answered; None unless and until the stream said that it is whole."""
        ...

    @property
    def over(self) -> bool:
        """Whether the stream has said its last."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to write chats.

    Attributes:
        path: of the route, below `/v1`.
        part: the type of a text part in a message's content.
        conversation: a request's body → its turns.
        place: a request's body, as text, in which memory can go in → where the content of the
            user's last message lies; None if there is none.
        answer: the body of a whole answer → what was answered; None if it did not come to its end.
        listener: a fresh listener to a stream.
    """

    path: str
    part: str
    conversation: Callable[[Mapping[str, Any]], Conversation]
    place: Callable[[str], Place | None]
    answer: Callable[[Mapping[str, Any]], Answer | None]
    listener: Callable[[], Listener]
