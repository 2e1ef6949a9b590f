"""What changed between two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_MANY = 3000
"""Above so many words, lines are compared: comparing words grows with their square."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that both have, or only the newer (`added`) or older (`removed`) one."""

    kind: Literal["same", "added", "removed"]
    text: str


def compare(old: str, new: str) -> list[Piece]:
    """The pieces that make up both texts, in order."""
    before, after = _words(old), _words(new)
    if max(len(before), len(after)) > _MANY:
        before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    return [piece for piece in _pieces(before, after) if piece.text]


def _pieces(before: list[str], after: list[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, before, after, autojunk=len(before) > _MANY)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            yield Piece("same", "".join(before[a:b]))
        else:
            yield Piece("removed", "".join(before[a:b]))
            yield Piece("added", "".join(after[c:d]))


def _words(told: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", told)
