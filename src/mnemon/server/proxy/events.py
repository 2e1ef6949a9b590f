"""Server-sent events, read on the side while their bytes go by."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\n|\r(?!\Z))")  # a last CR may be half an end
_END = re.compile(rb"[\r\n]")
_MOST = 64 * 2**20


class Events:
    """Bytes as they come → the events that they end, as (event, data).

    An event that never ends is given up, so that a stream cannot fill the memory: from then on
    nothing is told.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._event = ""
        self._data: list[str] = []
        self._held = 0

    def feed(self, piece: bytes) -> Iterator[tuple[str, str]]:
        """Take in bytes."""
        self._held += len(piece)
        if self._held > _MOST:
            self._parts, self._data = [], []
            return
        self._parts.append(piece)
        if not _END.search(piece):
            return  # looked at once, when its line ends
        lines, at = b"".join(self._parts), 0
        while found := _LINE.match(lines, at):
            at = found.end()
            if found[1]:
                self._line(found[1].decode("utf-8", "replace"))
                continue
            if self._data:
                yield self._event, "\n".join(self._data)
            self._event, self._data, self._held = "", [], len(lines) - at
        self._parts = [lines[at:]]

    def _line(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
