"""One entry in a TOML file: a table of its own at the end, taken out again by its lines.

A table may stand anywhere in a file, so the end always does; and `installing` compares what the
file means before and after with Python's own parser, so that a file whose lines only look like a
table's (inside a long string, say) is refused, not damaged.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from mnemon.server.mcp.config.jsonc import Malformed

_HEADER = re.compile(r"^[ \t]*\[+[ \t]*([^\]\r\n]*?)[ \t]*\]+[ \t]*(?:#.*)?$", re.MULTILINE)


def find(text: str, keys: Sequence[str], name: str) -> Any:
    """The entry's value, or None if it is not there."""
    node: Any = load(text)
    for key in (*keys, name):
        if not isinstance(node, dict):
            raise Malformed(f"{key!r} is looked for in something that is no table")
        if key not in node:
            return None
        node = node[key]
    return node


def put(text: str, keys: Sequence[str], name: str, value: Mapping[str, Any]) -> str:
    """The text with the entry, in place of one that is there."""
    if find(text, keys, name) is not None:
        text = drop(text, keys, name)
    if not text.strip():
        return snippet(keys, name, value)
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = newline if text.endswith("\n") else newline * 2
    return text + gap + snippet(keys, name, value).replace("\n", newline)


def drop(text: str, keys: Sequence[str], name: str) -> str:
    """The text without the entry's table and those below it."""
    own = ".".join((*keys, name))
    heads = list(_HEADER.finditer(text))
    for place in range(len(heads) - 1, -1, -1):
        head = re.sub(r"[ \t\"']", "", heads[place].group(1))
        if head == own or head.startswith(own + "."):
            start = heads[place].start()
            end = heads[place + 1].start() if place + 1 < len(heads) else len(text)
            text = _cut(text, start, end)
    return text


def snippet(keys: Sequence[str], name: str, value: Mapping[str, Any]) -> str:
    """A file with nothing but the entry."""
    # JSON's strings and lists of strings are TOML's too.
    lines = [f"{key} = {json.dumps(one, ensure_ascii=False)}" for key, one in value.items()]
    return "\n".join([f"[{'.'.join((*keys, name))}]", *lines]) + "\n"


def load(text: str) -> Any:
    """The file as data, with which an edit is checked."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Malformed(str(error)) from error


def _cut(text: str, start: int, end: int) -> str:
    """Without a table: comments right above the next one are its own and stay."""
    table = text[start:end]
    kept = re.search(r"(?:^[ \t]*#[^\n]*\n|^[ \t]*\r?\n)*\Z", table, re.MULTILINE)
    tail = kept.group() if kept and end < len(text) else ""
    head = text[:start]
    if not tail.strip() and end < len(text):
        return head + text[end:]
    # The blank line that stood before it went in with it.
    return (head[: len(head.rstrip())] + _line_end(head) if not tail else head) + tail + text[end:]


def _line_end(head: str) -> str:
    if not head.strip():
        return ""
    return "\r\n" if head.rstrip(" \t\n").endswith("\r") else "\n"
