"""Pairs: a question and a turn, with the turns beside it, as the word-pieces that are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

LONGEST = {"question": 48, "turn": 96, "beside": 32}
"""Word-pieces that are read of each part."""
NOTHING, QUESTION, TURN, BESIDE, MARK = range(5)
"""What a piece is part of."""

Cut = Callable[[str, int], list[int]]
"""(a text, so many) → the ids of its first word-pieces."""


class Passage(NamedTuple):
    """A turn as it is read, "Ana: We moved.", and those beside it, "" for none."""

    turn: str
    before: str = ""
    after: str = ""


def spoken(speaker: str | None, text: str) -> str:
    """A turn as it is read."""
    return f"{speaker}: {text}" if speaker else text


class Pieces(NamedTuple):
    """The word-pieces of a pair, and of which part each is."""

    ids: list[int]
    parts: list[int]


def pieces(
    cut: Cut, marks: tuple[int, int], question: str, passages: Sequence[Passage]
) -> list[Pieces]:
    """Question, turn, the turn before and the one after, each with a mark behind it."""
    asked = cut(question, LONGEST["question"])
    most = (LONGEST["turn"], LONGEST["beside"], LONGEST["beside"])
    return [joined(marks, asked, *map(cut, passage, most)) for passage in passages]


def joined(marks: tuple[int, int], question: list[int], *turns: list[int]) -> Pieces:
    """A pair from its parts: question, turn, the turns beside it; `marks` are the first and that
    behind each part."""
    first, behind = marks
    pair = Pieces([first], [MARK])
    for place, span in enumerate((question, *turns)):
        pair.ids.extend([*span, behind])
        pair.parts.extend([*[min(QUESTION + place, BESIDE)] * len(span), MARK])
    return pair
