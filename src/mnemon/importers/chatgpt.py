"""ChatGPT data exports: `conversations.json`, alone, in its folder or in the zip as sent.

A list of conversations, each a tree of messages (`mapping`) of which the branch that ends at
`current_node` was shown last; that branch is read, from the first message down:

    [{"id": "c1", "title": "Trip", "create_time": 1710270903.1, "current_node": "n2",
      "mapping": {"n1": {"id": "n1", "message": null, "parent": null, "children": ["n2"]},
                  "n2": {"id": "n2", "parent": "n1", "children": [], "message": {"id": "m2",
                         "author": {"role": "user"}, "create_time": 1710270910.5,
                         "content": {"content_type": "text", "parts": ["Hello"]}}}}}]

Source: Settings > Data controls > Export data at chatgpt.com; OpenAI documents no schema, this
follows exports of 2023 to 2025. Left out without a word, because nobody said them: system and
hidden messages, reasoning (`thoughts`), custom instructions, empty placeholders, and tools unless
`tools=True`. A message without a time has that of the one before it.

Errors: a broken conversation or message is reported and the rest kept; an unknown `current_node`
too, and the branch of the newest message is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import History, Malformed
from mnemon.importers._fields import Broken, label, mapping, moment, names, text, told
from mnemon.importers._history import opening
from mnemon.importers._json import array, recognise, shape

__all__ = ["ChatGPT"]

_MARKS = frozenset({"[].mapping", "[].current_node"})
_FILES = "conversations*.json"  # large accounts get conversations-000.json and so on
_UNSPOKEN = (
    "thoughts",
    "reasoning_recap",
    "user_editable_context",
    "model_editable_context",
)


@dataclass(frozen=True)
class ChatGPT:
    """Reads ChatGPT exports: one episode for each message of the shown branch.

    `user` and `assistant` rename the speakers; `tools` keeps what tools answered.
    """

    user: str = "user"
    assistant: str = "assistant"
    tools: bool = False

    suffixes: ClassVar[tuple[str, ...]] = (".json", ".zip")

    def sniff(self, path: Path, head: bytes) -> bool:
        """A list of conversations with a `mapping`."""
        return bool(_MARKS & shape(opening(path, head, _FILES)))

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """Conversation by conversation.

        Raises:
            ImportFailed: there is no list of conversations with a `mapping`.
        """
        files = history.files(_FILES)
        if not files:
            raise ImportFailed(f"{history.path} has no conversations.json, so is no ChatGPT export")
        for name in files:
            with history.open(name) as stream:
                recognise(stream, _MARKS, "a ChatGPT export: a list of objects with `mapping`")
                for found in array(stream, "conversation"):
                    if isinstance(found, Malformed):
                        yield found
                    else:
                        yield from self._conversation(*found)

    def _conversation(self, place: str, chat: dict[str, Any]) -> Iterator[Draft | Malformed]:
        try:
            identity = label(chat, "conversation_id", "id")
            if identity is None:
                raise Broken("it has no id")
            nodes = mapping(chat.get("mapping"), "mapping")
            at = None if chat.get("create_time") is None else moment(chat["create_time"])
        except Broken as error:
            yield Malformed(place, str(error))
            return
        branch, problem = _branch(nodes, chat.get("current_node"))
        if problem:
            yield Malformed(place, problem)
        for number, (node, message) in enumerate(branch, 1):
            try:
                at = moment(message["create_time"]) if message.get("create_time") else at
                draft = self._draft(message, f"{identity}#{label(message, 'id') or node}", at)
            except Broken as error:
                yield Malformed(f"{place}, message {number}", str(error))
                continue
            if draft is not None:
                yield _titled(draft, identity, label(chat, "title"))

    def _draft(self, message: dict[str, Any], place: str, at: datetime | None) -> Draft | None:
        speaker = self._speaker(mapping(message.get("author"), "author"))
        extra = message.get("metadata")
        extra = extra if isinstance(extra, dict) else {}
        if speaker is None or extra.get("is_visually_hidden_from_conversation"):
            return None
        content = _content(mapping(message.get("content"), "content"))
        if not content.strip():
            return None
        recipient = label(message, "recipient")
        return Draft(
            content=content,
            speaker=speaker,
            at=at,
            source=f"chatgpt:{place}",
            key=f"chatgpt:{place}",
            metadata=told(
                role=label(message["author"], "role"),
                model=label(extra, "model_slug"),
                attachments=names(extra.get("attachments"), "name", "id"),
                recipient=recipient if recipient != "all" else None,
            ),
        )

    def _speaker(self, author: dict[str, Any]) -> str | None:
        role = text(author, "role")
        if role == "tool":
            return (label(author, "name") or "tool") if self.tools else None
        return {"user": self.user, "assistant": self.assistant}.get(role)


def _branch(nodes: dict[str, Any], leaf: object) -> tuple[list[tuple[str, dict[str, Any]]], str]:
    """The messages from the root to `leaf`, and what was wrong on the way."""
    problem = ""
    if nodes and not (isinstance(leaf, str) and leaf in nodes):
        problem = f"current_node {leaf!r} is not in mapping: read the branch of the newest message"
        leaf = max(nodes, key=lambda name: _created(nodes[name]))
    branch: list[tuple[str, dict[str, Any]]] = []
    seen: set[str] = set()
    while isinstance(leaf, str):
        node = nodes.get(leaf)
        if leaf in seen or not isinstance(node, dict):
            problem = f"its tree is broken at node {leaf!r}: earlier messages are lost"
            break
        seen.add(leaf)
        if node.get("message") is not None:
            message = node["message"]
            branch.append((leaf, message if isinstance(message, dict) else {}))
        leaf = node.get("parent")
    return branch[::-1], problem


def _created(node: object) -> float:
    message = node.get("message") if isinstance(node, dict) else None
    time = message.get("create_time") if isinstance(message, dict) else None
    return time if isinstance(time, int | float) else 0.0


def _content(content: dict[str, Any]) -> str:
    """What was said: text, code, transcribed speech; `[image]` and such for the rest."""
    if content.get("content_type") in _UNSPOKEN:
        return ""
    parts = content.get("parts")
    if not isinstance(parts, list):
        said = content.get("text", content.get("result"))
        if not isinstance(said, str):
            raise Broken(f"no text in content of type {content.get('content_type')!r}")
        return said
    return "\n".join(part for part in map(_part, parts) if part)


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise Broken(f"a part of the content is {type(part).__name__}")
    if isinstance(part.get("text"), str):
        return str(part["text"])
    kind = str(part.get("content_type", "attachment"))
    return f"[{kind.removesuffix('_asset_pointer').replace('_', ' ')}]"


def _titled(draft: Draft, conversation: str, title: str | None) -> Draft:
    return replace(
        draft,
        session=f"chatgpt/{conversation}",
        metadata={**told(title=title), **draft.metadata},
    )
