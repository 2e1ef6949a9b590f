"""Cutting a text into sentences, without changing a character."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|(?<=[。！？])|\n+")


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence, white space around it left out; in order, none empty."""
    found, start = [], 0
    for cut in [*((gap.start(), gap.end()) for gap in _END.finditer(text)), (len(text), len(text))]:
        said = text[start : cut[1]]
        first = start + len(said) - len(said.lstrip())
        last = start + len(said.rstrip())
        if last > first:
            found.append((first, last))
        start = cut[1]
    return found
