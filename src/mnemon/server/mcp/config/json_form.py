"""One entry in a JSON file, put in or taken out as text; comments and layout stay as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mnemon.server.mcp.config.jsonc import Malformed, Member, Node, parse

_UNIT = "  "


def find(text: str, keys: Sequence[str], name: str) -> Any:
    """The entry's value, or None if it is not there."""
    if not text.strip():
        return None
    node, missing = _walk(parse(text), keys)
    found = None if missing else node.member(name)
    return found.node.value if found else None


def put(text: str, keys: Sequence[str], name: str, value: Mapping[str, Any]) -> str:
    """The text with the entry, in place of one that is there."""
    if not text.strip():
        return snippet(keys, name, value)
    node, missing = _walk(parse(text), keys)
    if node.members and 0 < len(missing) < len(keys):
        # Servers of an older version of the client, maybe: not to be mixed with newer ones.
        raise Malformed(f"it has a {keys[0]!r} without {missing[0]!r}")
    path = [*missing, name]
    there = node.member(path[0])
    if there is None:
        return _inserted(text, node, path[0], _nested(path[1:], value))
    inline = "\n" not in text[node.start : node.end]
    told = _compact(value) if inline else _told(value, text, _indent(text, there.start))
    return text[: there.node.start] + told + text[there.node.end :]


def drop(text: str, keys: Sequence[str], name: str) -> str:
    """The text without the entry, which is there."""
    node, _ = _walk(parse(text), keys)
    place = next(i for i, one in enumerate(node.members) if one.key == name)
    gone, before = node.members[place], node.members[place - 1] if place else None
    end = gone.node.end if gone.comma is None else gone.comma + 1
    start = len(text[: gone.start].rstrip())
    if gone.comma is None and before is not None and before.comma is not None:
        return text[: before.comma] + text[before.comma + 1 : start] + text[end:]
    return text[:start] + text[end:]


def snippet(keys: Sequence[str], name: str, value: Mapping[str, Any]) -> str:
    """A file with nothing but the entry."""
    whole = _nested([*keys, name], value)
    return json.dumps(whole, indent=_UNIT, ensure_ascii=False) + "\n"


def load(text: str) -> Any:
    """The file as data, with which an edit is checked."""
    return parse(text).value if text.strip() else {}


def _walk(node: Node, keys: Sequence[str]) -> tuple[Node, Sequence[str]]:
    """As far along the keys as there are objects; the keys that are missing from there."""
    for place, key in enumerate(keys):
        if not isinstance(node.value, dict):
            raise Malformed(f"{keys[place - 1]!r} is no object" if place else "it is no object")
        found = node.member(key)
        if found is None:
            return node, keys[place:]
        node = found.node
    if not isinstance(node.value, dict):
        raise Malformed(f"{keys[-1]!r} is no object")
    return node, ()


def _nested(path: Sequence[str], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _inserted(text: str, node: Node, key: str, value: Any) -> str:
    """A member more at the object's end."""
    inside = text[node.start + 1 : node.end - 1]
    last = node.members[-1] if node.members else None
    if last is not None and "\n" not in inside:
        entry = f"{json.dumps(key)}: {_compact(value)}"
        return text[: last.node.end] + f", {entry}" + text[last.node.end :]
    base = _indent(text, node.start)
    indent = _members_indent(text, node) or base + _unit(text)
    newline = _newline(text)
    entry = f"{newline}{indent}{json.dumps(key)}: {_told(value, text, indent)}"
    # After the comments that follow the last member: they belong to it.
    stop = node.start + 1 + len(inside.rstrip())
    closing = text[stop:] if "\n" in text[stop : node.end] else f"{newline}{base}{text[stop:]}"
    if last is None:
        return text[:stop] + entry + closing
    if last.comma is not None:
        return f"{text[:stop]}{entry},{closing}"
    return f"{text[: last.node.end]},{text[last.node.end : stop]}{entry}{closing}"


def _members_indent(text: str, node: Node) -> str:
    return _own_line(text, node.members[0]) if node.members else ""


def _own_line(text: str, member: Member) -> str:
    """The white space before a member that begins its line, else ""."""
    line = text[text.rfind("\n", 0, member.start) + 1 : member.start]
    return line if not line.strip() else ""


def _indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    return _members_indent(text, parse(text)) or _UNIT


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _told(value: Any, text: str, indent: str) -> str:
    told = json.dumps(value, indent=_unit(text), ensure_ascii=False)
    return told.replace("\n", _newline(text) + indent)
