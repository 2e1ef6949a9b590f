"""Reading JSON exports piece by piece, so that one broken piece costs only itself.

Items of an array are cut at their brackets and parsed one at a time by the standard library.
ijson was measured and left: its C backend turns lone surrogates into "?", gives up the file at
the first bad byte, and takes quadratic memory for deep nesting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BufferedReader
from typing import Any

from mnemon.errors import ImportFailed
from mnemon.importers import Malformed
from mnemon.importers._fields import Broken
from mnemon.importers._history import HEAD

_BOM = b"\xef\xbb\xbf"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# A whole string, a bracket, or a quote whose string goes on beyond the buffer.
_TOKEN = re.compile(_STRING + rb'|[\[\]{}"]', re.DOTALL)
_KEYED = re.compile(rb"(" + _STRING + rb")\s*+(:)?|[\[\]{}]", re.DOTALL)
_BETWEEN = b", \t\r\n"  # what may stand between two items
_DEEPEST = 6


def shape(head: bytes) -> frozenset[str]:
    """Paths of the keys in the beginning of a JSON or JSON Lines file.

    `[].mapping` is a key of an object in the top array, `results[].memory` one in the array
    `results`, `text` a key of a line. Empty for what is no JSON.
    """
    head = head.removeprefix(_BOM).lstrip()
    if head.startswith(b"["):
        return frozenset(_paths(head))
    lines = [line for line in head.split(b"\n") if line.strip()]
    objects = [line for line in lines if line.startswith(b"{")]
    found = set(_paths(head)) if head.startswith(b"{") else set()
    if 2 * len(objects) >= len(lines):
        for line in objects:
            found.update(_paths(line))
    return frozenset(found)


def _paths(head: bytes) -> Iterator[str]:
    stack: list[str] = []
    pending = ""
    for token in _KEYED.finditer(head):
        mark = token[0][:1]
        if token[2]:
            pending = token[1][1:-1].decode("utf-8", "replace")
            if len(stack) <= _DEEPEST:
                yield ".".join([*filter(None, stack), pending])
        elif mark in b"[{":
            stack.append(pending + "[]" if mark == b"[" else pending)
            pending = ""
        elif mark in b"]}" and stack:
            stack.pop()
            pending = ""


def recognise(stream: BufferedReader, marks: frozenset[str], wanted: str) -> frozenset[str]:
    """The shape of a file that has one of `marks`, or has nothing in it yet.

    Raises:
        ImportFailed: it holds something else; the message says what was `wanted`.
    """
    head = stream.peek(HEAD)
    found = shape(head)
    bare = b"".join(head.removeprefix(_BOM).split())
    if not found & marks and bare not in (b"", b"[]", b"{}"):
        raise ImportFailed(f"{stream.name} is not {wanted}")
    return found


def array(
    stream: BufferedReader, noun: str, key: str | None = None
) -> Iterator[tuple[str, dict[str, Any]] | Malformed]:
    """The objects of the top array (or the one under `key`), each with its place."""
    for number, raw in enumerate(cut(stream, key), 1):
        yield _placed(raw, f"{stream.name}: {noun} {number}")


def lines(stream: BufferedReader) -> Iterator[tuple[str, dict[str, Any]] | Malformed]:
    """The objects of a JSON Lines file, each with its place; blank lines are skipped."""
    for number, raw in enumerate(stream, 1):
        line = raw.removeprefix(_BOM) if number == 1 else raw
        if line.strip():
            yield _placed(line, f"{stream.name}:{number}")


def _placed(raw: bytes, place: str) -> tuple[str, dict[str, Any]] | Malformed:
    try:
        return place, parse(raw)
    except Broken as error:
        return Malformed(place, str(error))


def parse(raw: bytes) -> dict[str, Any]:
    """One JSON object.

    Raises:
        Broken: invalid JSON, no object, or numbers that JSON cannot hold.
    """
    if not raw.strip():
        raise Broken("the file ends before its last bracket")
    try:
        value = json.loads(raw, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise Broken("nested too deeply") from error
    except ValueError as error:
        raise Broken(f"invalid JSON: {error}") from error
    if not isinstance(value, dict):
        raise Broken(f"expected an object, found {type(value).__name__}")
    return value


def cut(stream: BufferedReader, key: str | None = None) -> Iterator[bytes]:
    """The items of the top array (or of the array under `key` in the top object), as bytes.

    Yields what is left, possibly nothing, when the file ends too early.
    """
    cutter = _Cutter(key)
    # Reading as much again as is held keeps the work linear when one item is huge.
    while chunk := stream.read(max(HEAD, len(cutter.buffer))):
        yield from cutter.feed(chunk)
        if cutter.done:
            return
    yield cutter.rest()


class _Cutter:
    """Where the cutting stands between two chunks of a file."""

    def __init__(self, key: str | None) -> None:
        self.buffer = b""
        self.done = False
        self._key = json.dumps(key).encode()
        self._name = b""  # the last text at depth 1: the key, when a bracket follows
        self._level = 0 if key else 1  # depth inside the array; 0 until it is found
        self._depth = 0
        self._start = 0  # of what is not given out yet
        self._scan = 0  # of what is not looked at yet

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The items that `chunk` completes."""
        self.buffer += chunk
        resume = len(self.buffer)
        for token in _TOKEN.finditer(self.buffer, self._scan):
            mark = token[0]
            if mark == b'"':
                resume = token.start()
                break
            if self._depth > self._level + 1 > 1 and mark in b"[{]}":
                self._depth += 1 if mark in b"[{" else -1  # deep inside an item
            elif mark in b"[{":
                yield from self._open(mark, token.start())
            elif mark in b"]}":
                yield from self._close(token.start())
                if self.done:
                    return
            elif self._depth == 1:
                self._name = mark
        keep = self._start if self._level else resume
        self.buffer, self._scan, self._start = self.buffer[keep:], resume - keep, 0

    def rest(self) -> bytes:
        """What was begun and never closed."""
        return self.buffer[self._start :].lstrip(_BETWEEN) if self._level else b""

    def _open(self, mark: bytes, at: int) -> Iterator[bytes]:
        self._depth += 1
        if not self._level and self._depth == 2 and mark == b"[" and self._name == self._key:
            self._level = 2
        if self._level == self._depth:
            self._start = at + 1
        elif self._level and self._depth == self._level + 1:
            yield from self._stray(at)
            self._start = at

    def _close(self, at: int) -> Iterator[bytes]:
        self._depth -= 1
        if self._level and self._depth == self._level:
            yield self.buffer[self._start : at + 1]
            self._start = at + 1
        elif self._depth < self._level:
            yield from self._stray(at)
            self.done = True

    def _stray(self, end: int) -> Iterator[bytes]:
        # Numbers, texts and nulls where objects are expected: `parse` refuses them by name.
        stray = self.buffer[self._start : end].strip(_BETWEEN)
        if stray:
            yield stray


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON value")


def _finite(word: str) -> float:
    number = float(word)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {word[:20]} is too large")
    return number
