"""The chat memory: a conversation that is kept, and what bears on the question from all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.memory import BaseMemory, InsertMethod

from mnemon.integrations.llama_index import messages as forms
from mnemon.integrations.recalling import HEADING, recalled
from mnemon.integrations.transcript import Transcript
from mnemon.memory import Memory


class MnemonMemory(BaseMemory):
    """A LlamaIndex memory of one session; the async calls run in a thread.

    Every message is kept when it is put. `get` gives the newest messages and, before them, a
    message with what the whole memory recalls on what the user asks and the newest do not show.

    Args:
        memory: a `Memory`, of a file or a server.
        session: the conversation's id.
        namespace: the memory's own if None.
        kind: only such cubes are recalled, for instance `("episode", "fact")`; all if None.
        budget: tokens of the recalled text; 0 recalls nothing.
        limit: the newest messages that `get` gives; they begin with one of the user's.
        insert_method: LlamaIndex's, whose message the recalled text is: the system's or the user's.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    memory: Memory = Field(exclude=True)
    session: str
    namespace: str | None = None
    kind: str | Sequence[str] | None = None
    budget: int = 500
    limit: int = 50
    insert_method: InsertMethod = InsertMethod.SYSTEM
    _transcript: Transcript = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the transcript."""
        self._transcript = Transcript(self.memory, self.session, forms.FORM, self.namespace)

    @classmethod
    def class_name(cls) -> str:
        """The component's name."""
        return "MnemonMemory"

    @classmethod
    def from_defaults(cls, **kwargs: Any) -> MnemonMemory:
        """The same as the constructor."""
        return cls(**kwargs)

    def get(self, input: str | None = None, **kwargs: Any) -> list[ChatMessage]:
        """The newest messages, after what is recalled on the input (or the user's last one)."""
        newest = _from_user(self.get_all(), self.limit)
        query = input or forms.asked(newest)
        if not query or self.budget < 1:
            return newest
        text = recalled(
            self.memory, query, self.budget, [one.content or "" for one in newest],
            namespace=self.namespace, kind=self.kind,
        )  # fmt: skip
        if not text:
            return newest
        role = MessageRole(self.insert_method.value)
        return [ChatMessage(role=role, content=f"{HEADING}\n{text}"), *newest]

    def get_all(self) -> list[ChatMessage]:
        """All messages of the session, oldest first."""
        return [forms.message(item) for item in self._transcript.items()]

    def put(self, message: ChatMessage) -> None:
        """Keep one message."""
        self.put_messages([message])

    def put_messages(self, messages: list[ChatMessage]) -> None:
        """Keep all of them, or none."""
        self._transcript.add([forms.entry(message) for message in messages])

    def set(self, messages: list[ChatMessage]) -> None:
        """Make these the session's messages; of a beginning that stays the same nothing is
        written again."""
        known = self.get_all()
        if messages[: len(known)] != known:
            self.reset()
            known = []
        self.put_messages(messages[len(known) :])

    def reset(self) -> None:
        """Forget the session's messages; the memory's past keeps them."""
        self._transcript.clear()


def _from_user(messages: list[ChatMessage], limit: int) -> list[ChatMessage]:
    """The newest, from one of the user's on: a tool's answer without its call is refused by
    models."""
    if len(messages) <= limit:
        return messages
    newest = messages[len(messages) - limit :]
    starts = [i for i, one in enumerate(newest) if one.role == MessageRole.USER]
    return newest[starts[0] :] if starts else newest
