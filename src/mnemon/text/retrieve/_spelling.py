"""What matched, in the text's own spelling: for explanations."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from mnemon import analysis
from mnemon.store.view import View

_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")


def spelled(text: str, terms: Collection[str]) -> dict[str, str]:
    """Term → the first word of a text that stands for it ("move" → "moved"), in the text's order.

    In a script without spaces the term itself.
    """
    found: dict[str, str] = {}
    for word in _WORD.findall(text):
        meant = analysis.terms(word)
        for term in meant:
            if term in terms:
                found.setdefault(term, word if len(meant) == 1 else term)
    return found


def around(view: View, index: int, before: int, after: int) -> list[tuple[int, int]]:
    """(how many lines away, index) of a turn's neighbours, the nearest first, those before it
    first; a line before counts negative."""
    found = []
    for step, reach, sign in ((view.before, before, -1), (view.after, after, 1)):
        place = index
        for away in range(1, reach + 1):
            place = int(step[place])
            if place >= len(view.rows):
                break
            found.append((sign * away, place))
    return sorted(found, key=lambda one: (abs(one[0]), one[0]))


def away(lines: int) -> str:
    """How far a neighbour stands, in words: "the line before", "3 lines after"."""
    side = "before" if lines < 0 else "after"
    return f"the line {side}" if abs(lines) == 1 else f"{abs(lines)} lines {side}"


def texts_of(view: View, indices: Collection[int]) -> dict[int, str]:
    """The contents of some versions, read at once."""
    wanted: Sequence[int] = sorted(set(indices))
    return dict(zip(wanted, view.texts(wanted), strict=True)) if wanted else {}


def opening(text: str) -> str:
    """The first words of a text, in quotes."""
    words = text.split()
    return f"“{' '.join(words[:6])}{' …' if len(words) > 6 else ''}”"
