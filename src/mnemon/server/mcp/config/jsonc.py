"""Reading JSON with comments and trailing commas, with the place of everything.

A library that writes such a file back loses its comments or its layout. Here nothing is written
back: what is found are positions, for an edit of the text itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # Python's own, not in its stubs
from typing import Any

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


class Malformed(ValueError):
    """The text is not JSON, even with comments."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value, and where its text is; `members` are an object's."""

    value: Any
    start: int
    end: int
    members: tuple[Member, ...] = ()

    def member(self, key: str) -> Member | None:
        """The member with a key.

        Raises:
            Malformed: there are two, and readers differ in which of them counts.
        """
        found = [one for one in self.members if one.key == key]
        if len(found) > 1:
            raise Malformed(f"it has the key {key!r} twice")
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Member:
    """A key and its value; `comma` is where the comma after it stands, if there is one."""

    key: str
    start: int
    node: Node
    comma: int | None


def parse(text: str) -> Node:
    """The whole text.

    Raises:
        Malformed: with the line at which it cannot be read.
    """
    reader = _Reader(text, at=1 if text.startswith("\ufeff") else 0)
    try:
        node = reader.value()
        reader.blank()
        if reader.at < len(text):
            raise Malformed("something follows its end")
    except (Malformed, ValueError, RecursionError) as error:
        line = text.count("\n", 0, reader.at) + 1
        told = str(error) if isinstance(error, Malformed) else "it cannot be read"
        raise Malformed(f"line {line}: {told}") from error
    return node


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    def blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def value(self) -> Node:
        self.blank()
        start, char = self.at, self.text[self.at : self.at + 1]
        if char == "{":
            members = self._object()
            told = {one.key: one.node.value for one in members}
            return Node(told, start, self.at, members)
        if char == "[":
            return Node(self._array(), start, self.at)
        if char == '"':
            return Node(self._string(), start, self.at)
        return Node(self._plain(), start, self.at)

    def _object(self) -> tuple[Member, ...]:
        members: list[Member] = []
        self.at += 1
        while not self._closes("}"):
            start, key = self.at, self._string()
            self._expect(":")
            node = self.value()
            comma = self._comma("}")
            members.append(Member(key, start, node, comma))
        return tuple(members)

    def _array(self) -> list[Any]:
        found: list[Any] = []
        self.at += 1
        while not self._closes("]"):
            found.append(self.value().value)
            self._comma("]")
        return found

    def _closes(self, bracket: str) -> bool:
        self.blank()
        closed = self.text.startswith(bracket, self.at)
        self.at += closed
        return closed

    def _comma(self, bracket: str) -> int | None:
        self.blank()
        if self.text.startswith(",", self.at):
            self.at += 1
            return self.at - 1
        if not self.text.startswith(bracket, self.at):
            raise Malformed(f"a comma or {bracket!r} is missing")
        return None

    def _expect(self, char: str) -> None:
        self.blank()
        if not self.text.startswith(char, self.at):
            raise Malformed(f"{char!r} is missing")
        self.at += 1

    def _string(self) -> str:
        if not self.text.startswith('"', self.at):
            raise Malformed("a name in double quotes is missing")
        found, self.at = scanstring(self.text, self.at + 1, True)
        return str(found)

    def _plain(self) -> Any:
        for word, told in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return told
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            raise Malformed("a value is missing")
        self.at = found.end()
        number = found.group()
        return int(number) if number.lstrip("-").isdigit() else float(number)
