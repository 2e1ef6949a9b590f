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

_HEADER = re.compile(
    r"^[ \t]*\[+[ \t]*([^\]\r\n]*?)[ \t]*\]+[ \t]*(?:#[^\r\n]*)?\r?$", re.MULTILINE
)
_GAP = re.compile(r"(?:^|\n)(\r?\n)\Z")  # a blank line


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
    lines = [f"{key} = {_written(one)}" for key, one in value.items()]
    return "\n".join([f"[{'.'.join((*keys, name))}]", *lines]) + "\n"


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_written(value[key])}' for key in value)} }}"
    return json.dumps(value, ensure_ascii=False)  # strings and lists of them are TOML's too


def load(text: str) -> Any:
    """The file as data, with which an edit is checked."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Malformed(str(error)) from error


def _cut(text: str, start: int, end: int) -> str:
    """Without a table's own lines; the comments after them may be about the next."""
    lines = text[start:end].splitlines(keepends=True)
    while lines and lines[-1].strip()[:1] in ("", "#"):
        end -= len(lines.pop())
    head, rest = text[:start], text[end:]
    gap = _GAP.search(head)
    if gap and rest.strip(" \t")[:1] in ("", "\r", "\n"):
        head = head[: gap.start(1)]
    return head + rest
