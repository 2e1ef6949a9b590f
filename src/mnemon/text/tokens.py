"""The words of many texts at once: array operations instead of a Python object a word.

A word is a run of letters and digits, in lower case, and stands for itself as a 64-bit key
(polynomial hashing, Karp & Rabin 1987, https://doi.org/10.1147/rd.312.0249, modulo 2**64). Two
words of one key would be taken for each other: among 30,000 words that is one chance in 10**10.
`plain` says the same, text by text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

UPPER, LOWER, SPACE, PAUSE, LETTER, WORD = 1, 2, 4, 8, 16, 32
"""A to Z, a to z, a space, a comma or semicolon, a letter or digit of any script, that or "_"."""

_PLAIN = re.compile(r"[^\W_]+")
_PLANE = 65_536  # above: letters of rare scripts, and emoji, which are none
_LONGEST = 8192  # letters of a word that count for its key
_MARGIN = "\n\n\n"  # so that looking a few characters around needs no check


def plain(text: str) -> list[str]:
    """The words of a text, in lower case and compatible characters."""
    if text.isascii():
        return _PLAIN.findall(text.lower())
    return _PLAIN.findall(unicodedata.normalize("NFKC", text).casefold())


def aligned(text: str) -> bool:
    """Whether a text in lower case has its characters where they were, all of the first plane:
    such can be read many at once."""
    if text.isascii():
        return True
    if not unicodedata.is_normalized("NFKC", text) or len(text.casefold()) != len(text):
        return False
    return not any(char >= "\U00010000" and char.isalnum() for char in text)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Words [W] of texts [N]: `keys` uint64, never 0; `begins` and `ends` intp, in `letters`.

    `sizes` intp [N] tells how many words each text has. Over the characters of all texts: `letters`
    in lower case, 0 where there is no word, and `classes` uint8, bits of what they are.
    """

    keys: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    sizes: np.ndarray
    letters: np.ndarray
    classes: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> Tokens:
        """Of texts that are all `aligned`."""
        joined = _MARGIN + "\n".join(texts) + _MARGIN
        classes = _classes(_points(joined))
        letters = _points(joined.casefold())
        inside = (_classes(letters) & LETTER) != 0
        letters = letters * inside
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        begins, ends = edges[0::2], edges[1::2]
        borders = len(_MARGIN) + np.cumsum([0, *(len(text) + 1 for text in texts)])
        sizes = np.diff(np.searchsorted(begins, borders))
        return cls(_keys(letters[inside], ends - begins), begins, ends, sizes, letters, classes)

    def word(self, place: int) -> str:
        """One of the words."""
        return "".join(map(chr, self.letters[self.begins[place] : self.ends[place]].tolist()))


def _points(text: str) -> np.ndarray:
    """Code points of characters: uint8, or uint32 where they need it."""
    try:
        return np.frombuffer(text.encode("latin-1"), dtype=np.uint8)
    except UnicodeEncodeError:
        return np.frombuffer(text.encode("utf-32-le"), dtype="<u4")


def _classes(points: np.ndarray) -> np.ndarray:
    table = _table(256 if points.dtype == np.uint8 else _PLANE)
    return table.take(points, mode="clip")  # the last of the plane is no character


@cache
def _table(size: int) -> np.ndarray:
    chars = map(chr, range(size))
    table = np.fromiter(((WORD | LETTER) * c.isalnum() for c in chars), np.uint8, size)
    table[ord("_")] |= WORD
    for first, last, bit in (("A", "Z", UPPER), ("a", "z", LOWER)):
        table[ord(first) : ord(last) + 1] |= bit
    table[ord(" ")] |= SPACE
    table[[ord(","), ord(";")]] |= PAUSE
    return table


@cache
def _powers() -> np.ndarray:
    return np.cumprod(np.full(_LONGEST, 0x9E3779B97F4A7C15, dtype=np.uint64))


def _keys(letters: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    if not len(letters):
        return np.zeros(0, dtype=np.uint64)
    firsts = np.cumsum(lengths) - lengths
    places = np.arange(len(letters)) - np.repeat(firsts, lengths)
    worth = letters * _powers().take(places, mode="clip")
    keys: np.ndarray = np.add.reduceat(worth, firsts) | np.uint64(1)
    return keys
