"""Meter: tokens, and what else a selection wants to know of a text, found out once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from mnemon.assembly import Counter
from mnemon.assembly.text import squeezed
from mnemon.store.view import View

_MOST = 50_000
_PICTURE = re.compile(r"\s*\[[^\]]*\]$")
_ANOTHER_SENTENCE = re.compile(r"[.!?…。！？][\"')»”]*\s")


class Told(NamedTuple):
    """What is kept of the text of a version: never the text.

    `mark` is the same for the same words in any case; `tokens` counts its line's words and end;
    `digit`: it begins with one; `single`: it is one sentence, a picture below it aside.
    """

    mark: int
    tokens: int
    digit: bool
    single: bool


class Meter:
    """Counts each recurring text once, and each version (what its row says never changes)."""

    def __init__(self, count: Counter) -> None:
        self.count = count
        self._texts: dict[str, int] = {}
        self._rows: dict[int, Told] = {}

    def of(self, text: str) -> int:
        """Tokens of a number, a name, a heading."""
        if text not in self._texts:
            _make_room(self._texts)
            (self._texts[text],) = self.count([text])
        return self._texts[text]

    def told(self, view: View, indices: Sequence[int]) -> list[Told]:
        """Of some versions of a view."""
        rows = view.rows[list(indices)].tolist()
        unread = [place for place, row in enumerate(rows) if row not in self._rows]
        if unread:
            said = [squeezed(text) for text in view.texts([indices[place] for place in unread])]
            counted = self.count([f"{text}\n" for text in said])
            for place, text, tokens in zip(unread, said, counted, strict=True):
                single = _ANOTHER_SENTENCE.search(_PICTURE.sub("", text)) is None
                digit = text[:1].isdigit()
                self._rows[rows[place]] = Told(hash(text.casefold()), tokens, digit, single)
        found = [self._rows[row] for row in rows]
        _make_room(self._rows)
        return found


def _make_room(known: dict[Any, Any]) -> None:
    """Forget the oldest half when there are too many."""
    if len(known) > _MOST:
        for one in list(islice(known, len(known) - _MOST // 2)):
            del known[one]
