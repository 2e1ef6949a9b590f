"""A person by name: is this said by them, does this name them, might it.

Names are compared word by word, less case, marks and possessives: "Ana Silva" is found in "ANA
SILVA's", "ana.silva@…", "@ana_silva92" and "AnaSilva". What is only likely (a nickname, a slip of
the keyboard, a given name where a whole name was asked for) is told apart: whoever deletes wants to
decide that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mnemon import analysis
from mnemon.errors import InvalidInput
from mnemon.text.retrieve._matching import name_words, one_slip
from mnemon.text.retrieve._nicknames import aliases
from mnemon.text.vocabulary import ordinary

_WORD = re.compile(r"[^\W_]+(?:['’`][^\W\d_]+)?")
_DIGITS = "0123456789"
_SLIPPERY = 3  # letters of a name that may have a slip: a human looks at what is found


@dataclass(frozen=True)
class Person:
    """One person under one or more names."""

    names: tuple[str, ...]
    _words: tuple[tuple[str, ...], ...] = field(init=False)

    def __post_init__(self) -> None:
        words = tuple(tuple(name_words(name)) for name in self.names)
        if not words or not all(words):
            raise InvalidInput(f"{list(self.names)} names nobody: give a name as people write it")
        object.__setattr__(self, "_words", words)

    def speaks(self, speaker: str | None) -> bool:
        """Whether a speaker's name is this person's, or holds it."""
        return speaker is not None and (
            self._among(name_words(speaker)) or self._among(analysis.names(speaker))
        )

    def named(self, text: str) -> bool:
        """Whether a text names this person for sure."""
        words = analysis.names(text)
        return self._among(words) or any(_inside(name, text) for name in self._words)

    def perhaps(self, text: str) -> set[str]:
        """Words of a text that may mean this person, where it does not name them for sure."""
        return {
            word
            for written in _WORD.findall(text)
            for word in name_words(written)
            if _name_like(written, word) and any(self._like(word, name) for name in self._words)
        }

    def _like(self, word: str, name: Sequence[str]) -> bool:
        if word in name:  # of a name of several words, or it would be the name itself
            return True
        return any(
            word in aliases().get(one, ()) or (len(one) >= _SLIPPERY and one_slip(word, one))
            for one in name
        )

    def _among(self, words: Sequence[str]) -> bool:
        bare = [word.rstrip(_DIGITS) or word for word in words]
        return any(_runs(name, words) or _runs(name, bare) for name in self._words)


def _runs(name: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the words of a name stand side by side, or as one word."""
    if len(name) > 1 and "".join(name) in words:
        return True
    first, length = name[0], len(name)
    return any(
        word == first and tuple(words[at : at + length]) == tuple(name)
        for at, word in enumerate(words)
    )


def _name_like(written: str, word: str) -> bool:
    return word not in analysis.STOPWORDS and (written[0].isupper() or not ordinary(word))


def _inside(name: Sequence[str], text: str) -> bool:
    # In scripts without spaces a name stands anywhere in a run of characters.
    return all(not word.isascii() and analysis.terms(word)[0] != word for word in name) and (
        "".join(name) in "".join(analysis.names(text))
    )
