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
_MICRO = ord("µ")  # of which `casefold` makes a Greek letter
_BASE = 0x9E3779B97F4A7C15
_FEW = 65_536  # characters, of which there are powers at least
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
        points = _points(joined)
        classes = _classes(points)
        if points.dtype == np.uint8 and _MICRO not in points:
            letters, inside = _folded().take(points), (classes & LETTER) != 0
        else:
            letters = _points(joined.casefold())
            inside = (_classes(letters) & LETTER) != 0
        letters = letters * inside
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        begins, ends = edges[0::2], edges[1::2]
        lengths = np.fromiter(map(len, texts), dtype=np.intp, count=len(texts))
        borders = len(_MARGIN) + np.append(0, np.cumsum(lengths + 1))
        sizes = np.diff(np.searchsorted(begins, borders))
        return cls(_keys(letters, begins), begins, ends, sizes, letters, classes)

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
def _folded() -> np.ndarray:
    """What `casefold` makes of the characters that a byte can be, where that is one of them."""
    folded = [(point, chr(point).casefold()) for point in range(256)]
    table = [ord(one) if len(one) == 1 else point for point, one in folded]
    return np.array(table).astype(np.uint8)


@cache
def _powers(size: int) -> tuple[np.ndarray, np.ndarray]:
    """(those of the base from the first on, those of its inverse from the zeroth on)."""
    inverse = pow(_BASE, -1, 2**64)
    return (
        np.cumprod(np.full(size, _BASE, dtype=np.uint64)),
        np.cumprod(np.append(np.uint64(1), np.full(size - 1, inverse, dtype=np.uint64))),
    )


def _keys(letters: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Of words that begin so; `letters` are 0 between them."""
    if not len(begins):
        return np.zeros(0, dtype=np.uint64)
    # Every letter counts by its place in all texts, and a word is then moved to the beginning.
    powers, back = _powers(max(_FEW, 1 << (len(letters) - 1).bit_length()))
    sums = np.add.reduceat(letters * powers[: len(letters)], begins)
    keys: np.ndarray = (sums * back.take(begins)) | np.uint64(1)
    return keys
