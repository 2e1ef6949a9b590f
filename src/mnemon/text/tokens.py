"""The words of many ASCII texts at once: array operations instead of a Python object a word.

A word is a run of letters and digits, in lower case, and stands for itself as a 64-bit key
(polynomial hashing, Karp & Rabin 1987, https://doi.org/10.1147/rd.312.0249, modulo 2**64). Two
words of one key would be taken for each other: among 30,000 words that is one chance in 10**10.
`plain` says the same for texts of any script, word by word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UPPER, LOWER, SPACE, PAUSE, WORD = 1, 2, 4, 8, 16

_PLAIN = re.compile(r"[^\W_]+")
_LETTERS = np.array([ord(chr(c).lower()) * chr(c).isalnum() for c in range(128)], dtype=np.uint8)
_CLASSES = np.array(
    [
        UPPER * chr(c).isupper() | LOWER * chr(c).islower() | SPACE * (chr(c) == " ")
        | PAUSE * (chr(c) in ",;") | WORD * (chr(c).isalnum() or chr(c) == "_")
        for c in range(128)
    ],
    dtype=np.uint8,
)  # fmt: skip
_LONGEST = 8192  # letters of a word that count for its key
_POWERS = np.cumprod(np.full(_LONGEST, 0x9E3779B97F4A7C15, dtype=np.uint64))
_MARGIN = "\n\n\n"  # so that looking a few characters around needs no check


def plain(text: str) -> list[str]:
    """The words of a text, in lower case and compatible characters."""
    if text.isascii():
        return _PLAIN.findall(text.lower())
    return _PLAIN.findall(unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True, slots=True)
class Tokens:
    """Words [W] of texts [N]: `keys` uint64, never 0; `begins` and `ends` intp, in `letters`.

    `sizes` intp [N] tells how many words each text has. Over the characters of all texts: `letters`
    uint8 in lower case, 0 where there is no word, and `classes` uint8, bits of what they are.
    """

    keys: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    sizes: np.ndarray
    letters: np.ndarray
    classes: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> Tokens:
        """Of texts that are all ASCII."""
        joined = _MARGIN + "\n".join(texts) + _MARGIN
        raw = np.frombuffer(joined.encode("ascii"), dtype=np.uint8)
        letters = _LETTERS.take(raw)
        inside = letters != 0
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        begins, ends = edges[0::2], edges[1::2]
        borders = len(_MARGIN) + np.cumsum([0, *(len(text) + 1 for text in texts)])
        sizes = np.diff(np.searchsorted(begins, borders))
        keys = _keys(letters[inside], ends - begins)
        return cls(keys, begins, ends, sizes, letters, _CLASSES.take(raw))

    def word(self, place: int) -> str:
        """One of the words."""
        return self.letters[self.begins[place] : self.ends[place]].tobytes().decode("ascii")


def _keys(letters: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    if not len(letters):
        return np.zeros(0, dtype=np.uint64)
    firsts = np.cumsum(lengths) - lengths
    places = np.arange(len(letters)) - np.repeat(firsts, lengths)
    worth = letters * _POWERS.take(places, mode="clip")
    keys: np.ndarray = np.add.reduceat(worth, firsts) | np.uint64(1)
    return keys
