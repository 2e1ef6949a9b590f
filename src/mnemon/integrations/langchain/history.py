"""The chat history: a conversation's messages as cubes."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict

from mnemon.integrations.transcript import SAID, STEP, Entry, Transcript
from mnemon.integrations.wording import parts_text
from mnemon.memory import Memory


class MnemonChatMessageHistory(BaseChatMessageHistory):
    """The messages of one session, in order; other sessions find them by searching the memory.

    What users and assistants say are episodes with their speaker; messages of tools and systems,
    and those without text, are kept as the kind `step`. The async calls run in a thread.

    Args:
        memory: a `Memory`, of a file or a server.
        session: the conversation's id.
        namespace: the memory's own if None.
        user, assistant: what the speakers are called.
    """

    def __init__(
        self,
        memory: Memory,
        session: str,
        *,
        namespace: str | None = None,
        user: str = "user",
        assistant: str = "assistant",
    ) -> None:
        self._transcript = Transcript(memory, session, "langchain", namespace)
        self._names = {"human": user, "ai": assistant}

    @property
    def messages(self) -> list[BaseMessage]:
        """All messages, oldest first."""
        return messages_from_dict(self._transcript.items())

    @messages.setter
    def messages(self, messages: Sequence[BaseMessage]) -> None:
        self.clear()
        self.add_messages(messages)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add all of them, or none."""
        self._transcript.add([self._entry(message) for message in messages])

    def clear(self) -> None:
        """Forget the session's messages; the memory's past keeps them."""
        self._transcript.clear()

    def _entry(self, message: BaseMessage) -> Entry:
        speaker = message.name or self._names.get(message.type)
        kind = SAID if message.type in self._names else STEP
        return Entry(message_to_dict(message), parts_text(message.content), speaker, kind)
