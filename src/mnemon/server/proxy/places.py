"""Places in JSON: where a value lies, so that text can go in and no other byte changes.

Parsing and writing anew would change numbers, escapes and white space, and with them the prefix
that an upstream has in its cache.
"""

from __future__ import annotations

import json
import re

_decode = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")

Place = tuple[int, int]
"""Where a value begins and ends."""


def members(text: str, at: int) -> dict[str, Place]:
    """The values of the object that begins at `at`, by name; of one that is there twice, the last.

    The text is known to be JSON.
    """
    found: dict[str, Place] = {}
    at = _after(text, at + 1)
    while text[at] != "}":
        name, at = _decode(text, at)
        start = _after(text, _after(text, at) + 1)
        _, end = _decode(text, start)
        found[name] = (start, end)
        at = _next(text, end)
    return found


def elements(text: str, at: int) -> list[Place]:
    """The elements of the array that begins at `at`."""
    found: list[Place] = []
    at = _after(text, at + 1)
    while text[at] != "]":
        _, end = _decode(text, at)
        found.append((at, end))
        at = _next(text, end)
    return found


def member(text: str, name: str) -> Place:
    """The value that the object of a whole document has under a name."""
    return members(text, _after(text, 0))[name]


def last_said(text: str, messages: Place) -> Place | None:
    """The content of the last message in an array whose role is `user`; None if there is none, or
    it has no content that text could be added to."""
    for start, _ in reversed(elements(text, messages[0])):
        message = members(text, start) if text[start] == "{" else {}
        if "role" in message and json.loads(text[slice(*message["role"])]) == "user":
            content = message.get("content")
            return content if content is not None and text[content[0]] in '"[' else None
    return None


def _next(text: str, at: int) -> int:
    at = _after(text, at)
    return _after(text, at + 1) if text[at] == "," else at


def _after(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None  # it matches nothing too
    return found.end()


def put_into(text: str, place: Place, more: str, part: str) -> tuple[int, str]:
    """(where, what) goes into the JSON so that the content at a place ends with `more`: into its
    string, or as a further part of type `part`.
    """
    start, end = place
    if text[start] == '"':
        return end - 1, json.dumps(more, ensure_ascii=False)[1:-1]
    told = json.dumps({"type": part, "text": more}, ensure_ascii=False, separators=(",", ":"))
    return end - 1, f",{told}" if elements(text, start) else told
