"""Claude.ai data exports: `conversations.json`, alone, in its folder or in the zip as sent.

    [{"uuid": "c1", "name": "Trip", "created_at": "2024-03-12T19:15:03.1Z", "chat_messages": [
      {"uuid": "m1", "sender": "human", "text": "Hello", "created_at": "2024-03-12T19:15:10.5Z",
       "content": [{"type": "text", "text": "Hello"}], "attachments": [], "files": []}]}]

Source: Settings > Privacy > Export data at claude.ai; Anthropic documents no schema, this follows
exports of 2024 and 2025. The text blocks of `content` are the message; `text`, where tool calls
leave notices, is read when there are none. The extracted text of an attachment (a long paste is
one) becomes a cube of kind `note` that is `part_of` its message, unless `attachments=False`.
Messages with no text, attachment or file (tool calls, cancelled answers) are left out.

Errors: a broken conversation or message is reported and the rest kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import History, Malformed
from mnemon.importers._fields import Broken, label, mapping, moment, names, sequence, text, told
from mnemon.importers._history import opening
from mnemon.importers._json import array, recognise, shape

__all__ = ["Claude"]

_MARKS = frozenset({"[].chat_messages"})
_FILES = "conversations*.json"


@dataclass(frozen=True)
class Claude:
    """Reads Claude.ai exports: one episode for each message.

    `user` and `assistant` name the speakers; `attachments` keeps the text of attached files.
    """

    user: str = "user"
    assistant: str = "assistant"
    attachments: bool = True

    suffixes: ClassVar[tuple[str, ...]] = (".json", ".zip")

    def sniff(self, path: Path, head: bytes) -> bool:
        """A list of conversations with `chat_messages`."""
        return bool(_MARKS & shape(opening(path, head, _FILES)))

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """Conversation by conversation.

        Raises:
            ImportFailed: there is no list of conversations with `chat_messages`.
        """
        files = history.files(_FILES)
        if not files:
            raise ImportFailed(f"{history.path} has no conversations.json, so is no Claude export")
        for name in files:
            with history.open(name) as stream:
                recognise(stream, _MARKS, "a Claude export: a list with `chat_messages`")
                for found in array(stream, "conversation"):
                    if isinstance(found, Malformed):
                        yield found
                    else:
                        yield from self._conversation(*found)

    def _conversation(self, place: str, chat: dict[str, Any]) -> Iterator[Draft | Malformed]:
        try:
            identity = text(chat, "uuid")
            messages = sequence(chat.get("chat_messages"), "chat_messages")
        except Broken as error:
            yield Malformed(place, str(error))
            return
        for number, message in enumerate(messages, 1):
            try:
                message = mapping(message, "the message")
                yield from self._drafts(message, identity, label(chat, "name"))
            except Broken as error:
                yield Malformed(f"{place}, message {number}", str(error))

    def _drafts(
        self, message: dict[str, Any], conversation: str, title: str | None
    ) -> Iterator[Draft]:
        sender = text(message, "sender")
        place = f"claude:{conversation}#{text(message, 'uuid')}"
        attached = [label(one, "file_name") or "pasted text" for one in _attached(message)]
        files = names(message.get("files"), "file_name", "file_uuid")
        content = _content(message)
        if not content.strip():
            content = "".join(f"[attachment: {name}]" for name in [*attached, *files])
        turn = Draft(
            content=content,
            speaker={"human": self.user, "assistant": self.assistant}.get(sender, sender),
            session=f"claude/{conversation}",
            at=moment(message.get("created_at")),
            source=place,
            key=place,
            metadata=told(title=title, role=sender, attachments=attached + files),
        )
        if content.strip():
            yield turn
            yield from self._attachments(message, turn) if self.attachments else ()

    def _attachments(self, message: dict[str, Any], turn: Draft) -> Iterator[Draft]:
        for number, one in enumerate(_attached(message), 1):
            content = one.get("extracted_content")
            if isinstance(content, str) and content.strip():
                yield replace(
                    turn,
                    content=content,
                    kind="note",
                    key=f"{turn.key}/{number}",
                    metadata={**turn.metadata, **told(file=label(one, "file_name"))},
                    links=(("part_of", f"{turn.key}"),),
                )


def _attached(message: dict[str, Any]) -> list[dict[str, Any]]:
    attached = message.get("attachments") or []
    return [mapping(one, "an attachment") for one in sequence(attached, "attachments")]


def _content(message: dict[str, Any]) -> str:
    blocks = [
        mapping(block, "a block") for block in sequence(message.get("content") or [], "content")
    ]
    said = [text(block, "text") for block in blocks if block.get("type") == "text"]
    if blocks and not said:
        return ""  # `text` then holds only notices about tool calls
    return "\n\n".join(filter(str.strip, said)) or text(message, "text")
