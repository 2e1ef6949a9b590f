"""The words of the recall language: 2,048 of them, one token each.

Special tokens, punctuation, function words, the words of phrases and questions, attributes, 256 hex
values (`x00` … `xff`), and some 1,700 made-up content words, which serve as keys, names, values
*and* filler, so that no word by itself marks what must be remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnemon.errors import InvalidInput

SIZE = 2048
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
PAD, BOS, EOS, UNKNOWN = range(4)

_PUNCTUATION = (".", ",", ":", ";", "?", "=")
_FUNCTION = (
    "the of and to in a that is was for it with as on be at by this had not are but from or have "
    "an they which one you were all there would their we him been has when who will no more if out "
    "so up said"
)
_TEMPLATE = (
    "Q A code codes what note secret remember VAR holds now actually user assistant ok noted list "
    "most common word key value update trace 's my about"
)
_ATTRIBUTES = (
    "city job pet car color drink sport book song food team school hobby language hat phone street "
    "friend country fruit tool game shoe lamp"
)
_CONSONANTS = "b d f g h j k l m n p r s t v z ch sh st tr"
_VOWELS = "a e i o u ai ou"
_SEED = 7  # of the content words: another one makes another language


@cache
def words() -> tuple[str, ...]:
    """All words; a word's place is its token id."""
    base = _base()
    return base + _content_words(frozenset(base), SIZE - len(base))


def ids(text: str) -> tuple[int, ...]:
    """Token ids of words between spaces.

    Raises:
        InvalidInput: a word is not in the vocabulary.
    """
    numbers = _numbers()
    try:
        return tuple(numbers[word] for word in text.split())
    except KeyError as error:
        raise InvalidInput(
            f"{error.args[0]!r} is no word of the recall language: see mnemon.bench.recall.words()"
        ) from None


def text(tokens: Iterable[int]) -> str:
    """Words of token ids, with spaces between."""
    known = words()
    return " ".join(known[token] for token in tokens)


@cache
def phrase(text: str) -> list[int]:
    """As `ids`, kept: for the fixed phrases of tasks. Not to be changed."""
    return list(ids(text))


@cache
def first_hex() -> int:
    """The id of `x00`; the other 255 follow."""
    return _numbers()["x00"]


@cache
def content() -> NDArray[np.int64]:
    """Ids of the content words."""
    return _frozen(np.arange(len(_base()), SIZE))


@cache
def function_words() -> NDArray[np.int64]:
    """Ids of the function words."""
    return _frozen(np.array(ids(_FUNCTION)))


@cache
def attributes() -> tuple[int, ...]:
    """Ids of the words for what is known of a name: city, job, …"""
    return ids(_ATTRIBUTES)


@cache
def _numbers() -> dict[str, int]:
    return {word: number for number, word in enumerate(words())}


@cache
def _base() -> tuple[str, ...]:
    named = (*_FUNCTION.split(), *_TEMPLATE.split(), *_ATTRIBUTES.split())
    return (*SPECIAL, *_PUNCTUATION, *named, *(f"x{value:02x}" for value in range(256)))


def _content_words(taken: frozenset[str], count: int) -> tuple[str, ...]:
    rng = np.random.default_rng(_SEED)
    consonants, vowels = _CONSONANTS.split(), _VOWELS.split()
    made: dict[str, None] = {}
    while len(made) < count:
        syllables = range(rng.integers(2, 4))
        word = "".join(_pick(rng, consonants) + _pick(rng, vowels) for _ in syllables)
        if len(word) >= 4 and word not in taken:
            made[word] = None
    return tuple(made)


def _pick(rng: np.random.Generator, among: list[str]) -> str:
    return among[rng.integers(len(among))]


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
