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
        known = self._texts.get(text)
        if known is None:
            (known,) = self.count([text])
            _keep(self._texts, {text: known})
        return known

    def told(self, view: View, indices: Sequence[int]) -> list[Told]:
        """Of some versions of a view."""
        rows = view.rows[list(indices)].tolist()
        found = {row: told for row in rows if (told := self._rows.get(row)) is not None}
        unread = [place for place, row in enumerate(rows) if row not in found]
        if unread:
            said = [squeezed(text) for text in view.texts([indices[place] for place in unread])]
            counted = self.count([f"{text}\n" for text in said])
            read = {
                rows[place]: _told(text, tokens)
                for place, text, tokens in zip(unread, said, counted, strict=True)
            }
            found |= read
            _keep(self._rows, read)
        return [found[row] for row in rows]


def _told(said: str, tokens: int) -> Told:
    single = _ANOTHER_SENTENCE.search(_PICTURE.sub("", said)) is None
    return Told(hash(said.casefold()), tokens, said[:1].isdigit(), single)


def _keep(known: dict[Any, Any], more: dict[Any, Any]) -> None:
    """Add to what is known; forget the oldest half of too much, as other threads may at once."""
    known.update(more)
    if len(known) > _MOST:
        for one in list(islice(known, len(known) - _MOST // 2)):
            known.pop(one, None)
