"""Terms of a text: what full-text search compares.

Latin words lose case and diacritics and are stemmed (Snowball English); scripts written without
spaces (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) give single characters and overlapping
pairs, the usual dictionary-free segmentation; other scripts give whole words. Deterministic: the
same text gives the same terms under one `STAMP`, which a store records.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

_SHORT = 24  # characters, of which most words have fewer
_CHARACTERS = 2**13  # different ones that are remembered
STAMP = "snowball-english+cjk-pairs/1"

_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_ANY_WORD = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[^\W_])+(?:'[^\W\d_]+)?")
_UNSPACED_START = re.compile(rf"[{_UNSPACED}]")
_ASKS = re.compile(r"[?？؟][\s\"')»”]*(\[[^\]]*\]\s*)*$")

# Function words of English questions and chat: they match everything and tell nothing.
STOPWORDS = frozenset(
    """a about am an and any are aren as at be been being but by can could couldn did didn do does
    doesn doing don for from had hadn has hasn have haven having he her hers him his how i if in
    into is isn it its just ll me my of on or our ours re s she should shouldn so some t than that
    the their theirs them then there these they this those to too up us ve was wasn we were weren
    what when where which while who whom whose why will with won would wouldn you your
    yours""".split()  # noqa: SIM905 - a list would take a hundred lines
)


def terms(text: str) -> list[str]:
    """The terms of a text to be indexed, in order, with repetitions."""
    if text.isascii():
        return [_stem(word) for word in _ASCII_WORD.findall(text.lower())]
    return [term for word in _words(text) for term in _indexed(word)]


def query_terms(text: str) -> list[str]:
    """The distinct terms to look for: no function words (unless there is nothing else).

    A run of an unspaced script of two characters or more is asked for by its pairs only.
    """
    found = [term for word in _words(text) for term in _asked(word)]
    telling = [term for word, term in found if word not in STOPWORDS]
    return list(dict.fromkeys(telling or [term for _, term in found]))


@cache
def function_terms() -> tuple[str, ...]:
    """The terms of function words, ascending: hardly ever among `query_terms`."""
    return tuple(sorted({_stem(word) for word in STOPWORDS}))


def asks(text: str) -> bool:
    """Whether a text ends by asking: a question mark of any script closes it (photos aside)."""
    return _ASKS.search(text) is not None


def names(text: str) -> list[str]:
    """Plain lower-case words of a name, unstemmed: `Ana-Maria` → `ana`, `maria`."""
    return list(_names(text)) if len(text) < _SHORT else [_bare(word) for word in _words(text)]


@lru_cache(maxsize=20_000)
def _names(text: str) -> tuple[str, ...]:
    # Searches look up the words of a question one by one, and words return.
    return tuple(_bare(word) for word in _words(text))


def _bare(word: str) -> str:
    return word.partition("'")[0]


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    if folded.isascii():
        return _ASCII_WORD.findall(folded)
    return _ANY_WORD.findall(without_marks(folded))


def without_marks(text: str) -> str:
    """Text less its combining marks: accents, and the vowel signs of Indic or Arabic words."""
    # Combining marks are no letters to `re`; Latin ones go, those of Indic or Arabic words are
    # dropped alike on both sides of the comparison, so that the word stays in one piece.
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", decomposed.translate(_unmarked))


class _Unmarked(dict[int, str]):
    """Each character, or nothing for a mark: for `str.translate`, looked up once."""

    def __missing__(self, code: int) -> str:
        if len(self) >= _CHARACTERS:
            self.clear()
        char = chr(code)
        self[code] = found = "" if unicodedata.category(char) in ("Mn", "Mc") else char
        return found


_unmarked = _Unmarked()


def _indexed(word: str) -> list[str]:
    if not _UNSPACED_START.match(word):
        return [_stem(word)]
    return [*word, *(word[i : i + 2] for i in range(len(word) - 1))]


def _asked(word: str) -> list[tuple[str, str]]:
    if not _UNSPACED_START.match(word):
        return [(word.partition("'")[0], _stem(word))]
    if len(word) == 1:
        return [(word, word)]
    return [(pair, pair) for pair in (word[i : i + 2] for i in range(len(word) - 1))]


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    word = word.partition("'")[0][:64]
    return str(_stemmer().stemWord(word)) if word.isascii() else word


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english", 0)
