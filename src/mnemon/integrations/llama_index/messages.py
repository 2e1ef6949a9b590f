"""Messages: LlamaIndex's `ChatMessage` ↔ entries of a transcript."""

from __future__ import annotations

from typing import Any

from llama_index.core.llms import ChatMessage, MessageRole

from mnemon.integrations.transcript import SAID, STEP, Entry

FORM = "llama-index"
_SAYING = (MessageRole.USER, MessageRole.ASSISTANT)


def entry(message: ChatMessage) -> Entry:
    """What users and assistants say is an episode; the rest, and calls of tools, are steps."""
    said = message.role in _SAYING
    item = message.model_dump(mode="json")
    return Entry(item, message.content or "", message.role.value, SAID if said else STEP)


def message(item: Any) -> ChatMessage:
    """The message of an entry's item."""
    return ChatMessage.model_validate(item)


def asked(messages: list[ChatMessage]) -> str:
    """The text of the user's last message."""
    said = [one.content for one in messages if one.role == MessageRole.USER and one.content]
    return said[-1] if said else ""
