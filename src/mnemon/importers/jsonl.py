"""Chat logs in JSON Lines, or as one JSON list, whatever their fields are called.

    {"id": "7", "session": "s1", "at": "2024-05-07T18:30:00Z", "speaker": "Ana", "text": "Hello"}
    {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]}

Read are, the first that is there: content | text | message; speaker | role | name | author;
at | time | timestamp | created_at | date | ts (ISO 8601, or seconds or milliseconds since 1970);
session | conversation | conversation_id | thread | channel; id; key; and `metadata`. The second
line above is the form of fine-tuning files: a whole conversation.

Source: no standard; the second form is https://platform.openai.com/docs/guides/fine-tuning.
A `key` is taken as it is. Otherwise the key is a hash of id, session, time, speaker and text (and
how often they occurred, where there is no id), because ids of unknown origin may repeat in
another file; the name of the file is no part of it. Calls of tools without text are left out.

Errors: a line that is no JSON, has no text or an unreadable time is reported, the rest kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import History, Malformed
from mnemon.importers._fields import Broken, label, mapping, moment, sequence, spoken, text, told
from mnemon.importers._history import HEAD, opening
from mnemon.importers._json import array, lines, recognise, shape
from mnemon.importers._key import Occurrences, digest

__all__ = ["Jsonl"]

_TEXT = ("content", "text", "message")
_SPEAKER = ("speaker", "role", "name", "author")
_TIME = ("at", "time", "timestamp", "created_at", "date", "ts")
_SESSION = ("session", "conversation", "conversation_id", "thread", "channel")
_MARKS = frozenset(
    [prefix + name for prefix in ("", "[].", "messages[].", "[].messages[].") for name in _TEXT]
)
_WANTED = "chat messages in JSON: objects with content, text or message"


@dataclass(frozen=True)
class Jsonl:
    """Reads chat messages in JSON of no particular format: one episode for each message."""

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json", ".zip")
    generic: ClassVar[bool] = True

    def sniff(self, path: Path, head: bytes) -> bool:
        """Objects with one of the fields that hold text."""
        return bool(_MARKS & shape(opening(path, head, "*.jsonl")))

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """Line by line, or item by item.

        Raises:
            ImportFailed: no object in the beginning has a field that holds text.
        """
        files = history.files("*.jsonl")
        if not files:
            raise ImportFailed(f"{history.path} has no .jsonl file: expected {_WANTED}")
        seen = Occurrences("jsonl")
        for name in files:
            with history.open(name) as stream:
                recognise(stream, _MARKS, _WANTED)
                for found in _entries(stream):
                    if isinstance(found, Malformed):
                        yield found
                    else:
                        yield from _entry(*found, PurePosixPath(name).stem, seen)


def _entries(stream: BufferedReader) -> Iterator[tuple[str, dict[str, Any]] | Malformed]:
    head = stream.peek(HEAD).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"["):
        return array(stream, "message")
    first, newline, _ = head.partition(b"\n")
    if newline and "messages[].content" in shape(head) and not _whole(first):
        return array(stream, "message", "messages")  # one object over several lines
    return lines(stream)


def _whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _entry(
    place: str, entry: dict[str, Any], stem: str, seen: Occurrences
) -> Iterator[Draft | Malformed]:
    if "messages" not in entry:
        yield from _one(place, entry, {}, stem, seen)
        return
    try:
        messages = sequence(entry["messages"], "messages")
    except Broken as error:
        yield Malformed(place, str(error))
        return
    # Without an id of its own, a conversation in a file of many is told apart by its place.
    stem = f"{stem}/{re.split('[: ]', place)[-1]}"
    for number, message in enumerate(messages, 1):
        yield from _one(f"{place}, message {number}", message, entry, stem, seen)


def _one(
    place: str, message: object, around: dict[str, Any], stem: str, seen: Occurrences
) -> Iterator[Draft | Malformed]:
    try:
        draft = _draft(place, mapping(message, "the message"), around, stem, seen)
    except Broken as error:
        yield Malformed(place, str(error))
        return
    if draft is not None:
        yield draft


def _draft(
    place: str, entry: dict[str, Any], around: dict[str, Any], stem: str, seen: Occurrences
) -> Draft | None:
    if isinstance(entry.get("message"), dict):
        entry = {**entry, **entry["message"]}
    content = _content(entry)
    if content is None:
        return None
    session = label(entry, *_SESSION) or label(around, *_SESSION, "id")
    time = next((entry[name] for name in _TIME if entry.get(name) is not None), None)
    extra = entry.get("metadata")
    speaker, id = _speaker(entry), label(entry, "id")
    return Draft(
        content=content,
        speaker=speaker,
        session=session or stem,
        at=None if time is None else moment(time),
        source=f"jsonl:{place}",
        key=label(entry, "key") or _key(seen, id, session, str(time), speaker, content),
        metadata=told(id=id) | (extra if isinstance(extra, dict) else {}),
    )


def _key(seen: Occurrences, id: str | None, *parts: str | None) -> str:
    return seen.key(*parts) if id is None else f"jsonl:{id}:{digest(id, *parts)}"


def _speaker(entry: dict[str, Any]) -> str | None:
    author = entry.get("author")
    if isinstance(author, dict):
        return label(entry, *_SPEAKER) or label(author, "name", "role")
    return label(entry, *_SPEAKER)


def _content(entry: dict[str, Any]) -> str | None:
    """What was said; None for a call of tools that says nothing."""
    name = next((name for name in _TEXT if entry.get(name) is not None), None)
    if name is None and (entry.get("tool_calls") or entry.get("function_call")):
        return None
    if name is None:
        raise Broken("none of content, text and message is there")
    if isinstance(entry[name], list):
        parts = [mapping(part, "a part of the content") for part in entry[name]]
        return spoken("\n".join(text(part, "text") for part in parts if "text" in part))
    return spoken(text(entry, name))
