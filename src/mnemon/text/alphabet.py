"""Alphabets: whether a question is in letters that what was fitted here on English ever saw."""

from __future__ import annotations

from functools import lru_cache

_LATIN = (range(0x0250), range(0x1E00, 0x1F00), range(0x2C60, 0x2C80), range(0xA720, 0xA800))


@lru_cache(maxsize=256)
def latin(text: str) -> bool:
    """Whether at least half of a text's letters are Latin ones, or it has none."""
    letters = [ord(letter) for letter in text if letter.isalpha()]
    known = sum(any(letter in block for block in _LATIN) for letter in letters)
    return 2 * known >= len(letters)
