"""Vocabulary: what the bundled model's word pieces tell of a word's making."""

from __future__ import annotations

import re
from functools import lru_cache

_MEASURED = re.compile(r"(\d+)([^\W\d_]+)")
_SPLIT = 6  # letters of a word that may be two


@lru_cache(maxsize=20_000)
def ordinary(word: str) -> bool:
    """Whether the bundled vocabulary of some 30,000 English pieces knows a lower-case word whole:
    names that many bear are in it, misspellings are not."""
    from mnemon.models.embed.static import StaticEmbedder

    return len(StaticEmbedder().token_ids([word])[0]) == 1


@lru_cache(maxsize=20_000)
def parts(word: str) -> tuple[str, ...]:
    """The two words that a plain word is made of ("roadtrip", "5km"), or none."""
    if measured := _MEASURED.fullmatch(word):
        return measured[1], measured[2]
    if len(word) < _SPLIT or not word.isascii() or not word.isalpha() or ordinary(word):
        return ()
    middle = len(word) / 2
    for place in sorted(range(3, len(word) - 2), key=lambda place: abs(place - middle)):
        if ordinary(word[:place]) and ordinary(word[place:]):
            return word[:place], word[place:]
    return ()
