"""Matching a question's words with people's names, which real people spell in many ways.

In order of trust: the word itself (less case and marks), with a lost apostrophe ("carolines"), a
short or long form of it ("caro", "Alexandra", "Bob"), one slip of the keyboard ("Caroilne"), the
end of a handle made of two words ("goose" of gravelgoose). A better match rules out a worse one,
and a doubtful one must mean one name only. A word in small letters that the bundled vocabulary
knows ("car") is that word rather than half a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from mnemon import analysis
from mnemon.text.retrieve._nicknames import COMMON, aliases
from mnemon.text.vocabulary import ordinary, parts

_TOKEN = re.compile(r"[^\W_]+(?:['’`][^\W\d_]+)?")
_STARTS = re.compile(r"(?:^|[.!?:;\n\"“(])\s*$")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DOMAIN = re.compile(r"(?<=\w)@.*$")
_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i"})
_TITLES = frozenset({"dr", "mr", "mrs", "ms", "miss", "prof", "sir"})
_SHORTEST = 3  # letters of a short form
_SLIPPERY = 5  # letters of a name that may have a slip
_OFTEN = 3  # cubes
_MOST = 256  # words of a question that are looked at
_STRANGERS = 20_000  # words remembered
_HEAD = 8  # characters before a word that may end a sentence

Heard = Callable[[str], int]
Match = tuple[bool, set[int]]
"""(whether a word is the name itself, codes of those it names)"""


class Word(NamedTuple):
    """A word of a question: as compared; whether a capital in the middle of a sentence says that it
    is a name; whether it follows the word before at once."""

    text: str
    capital: bool
    joined: bool


def name_words(name: str) -> list[str]:
    """The words by which a name is known: "@velo_marta" → velo, marta; "Dr. A. Ek" → ek."""
    name = name if name.isascii() else analysis.without_marks(name)
    parted = _HUMPS.sub(" ", _DOMAIN.sub("", name.strip()).replace("_", " "))
    folded = [word.translate(_STROKES) for word in analysis.names(parted)]
    words = [word if len(word) > 4 and word.isdigit() else word.rstrip("0123456789")
             for word in folded]  # fmt: skip
    return [word for word in words if len(word) > 1 and word not in _TITLES] or folded


def words_of(question: str) -> list[Word]:
    """The words of a question in order."""
    question = question if question.isascii() else analysis.without_marks(question)
    found = list(islice(_TOKEN.finditer(question), _MOST))
    capitals = [one[0][0].isupper() for one in found]
    shouted = sum(capitals) > 0.7 * len(found) and len(found) > 3
    words, end = [], -1
    for one, capital in zip(found, capitals, strict=True):
        told = capital and not shouted and len(one[0]) > 1
        told = told and not _STARTS.search(question, max(0, one.start() - _HEAD), one.start())
        joined = end >= 0 and question[end : one.start()] in (" ", "-", ".", "_")
        for text in analysis.names(one[0]):
            text = text if text.isascii() else text.translate(_STROKES)
            words.append(Word(text, told, joined))
        end = one.end()
    return words


class Register:
    """Name words → the codes of those who bear them, indexed so that a look-up costs little."""

    def __init__(self) -> None:
        self.codes: set[int] = set()
        self._bearers: dict[str, set[int]] = {}
        self._starts: dict[str, set[str]] = {}
        self._slips: dict[str, set[str]] = {}
        self._tails: dict[str, set[str]] = {}
        self._strange: set[tuple[str, bool]] = set()  # words that are like none of these

    def add(self, code: int, name: str) -> None:
        """Take in a speaker."""
        self.codes.add(code)
        for word in name_words(name):
            if word not in self._bearers:
                self._starts.setdefault(word[:_SHORTEST], set()).add(word)
                for tail in parts(word)[1:]:
                    self._tails.setdefault(tail, set()).add(word)
                if len(word) >= _SLIPPERY:
                    for slip in (word, *_shortened(word)):
                        self._slips.setdefault(slip, set()).add(word)
            self._bearers.setdefault(word, set()).add(code)
        self._strange = set()  # a new one: other threads may be adding to the old

    def named(
        self, question: str, present: Collection[int], heard: Heard
    ) -> tuple[set[int], set[str]]:
        """(codes among `present` that a question names, its words that do so).

        `heard` tells in how many cubes a word stands: what is said often is no slip.
        """
        words = words_of(question)
        matches = [self._match(word, present, heard) for word in words]
        _narrow(words, matches)
        codes, telling = set[int](), set[str]()
        for place, (sure, found) in enumerate(matches):
            if found and (sure or not _astray(place, words, matches)):
                codes |= found
                telling.add(words[place].text)
        return codes, telling

    def _match(self, word: Word, present: Collection[int], heard: Heard) -> Match:
        strange, written = self._strange, (word.text, word.capital)
        if written in strange:
            return False, set()
        if not any(names for _, names in self._readings(word, lambda _: 0)):
            if len(strange) < _STRANGERS:
                strange.add(written)
            return False, set()
        for sure, names in self._readings(word, heard):
            bearers = {name: self._bearers[name].intersection(present) for name in names}
            held = sorted((name for name in names if bearers[name]), key=lambda n: (len(n), n))
            if held and (sure or all(name.startswith(held[0]) for name in held)):
                return sure, set().union(*(bearers[name] for name in held))
            if held:
                break  # it may mean several names: none of them
        return False, set()

    def _readings(self, word: Word, heard: Heard) -> Iterator[tuple[bool, set[str]]]:
        text, known = word.text, self._bearers
        common = text in analysis.STOPWORDS and not word.capital
        if text in known and not common:
            yield True, {text}
        if not text.isascii():
            yield True, set(_contained(text, known))
        if common:
            return
        if text[-1] == "s" and len(text) > 2 and text[:-1] in known and _name_like(word):
            yield False, {text[:-1]}
        if found := set(self._forms(word)):
            yield False, found
        if len(text) >= _SLIPPERY - 1 and (found := self._slipped(word, heard)):
            yield False, found
        if text in self._tails:
            yield False, self._tails[text]

    def _slipped(self, word: Word, heard: Heard) -> set[str]:
        text = word.text
        near = [self._slips[one] for one in (text, *_shortened(text)) if one in self._slips]
        names = {name for some in near for name in some if one_slip(text, name)}
        if not names or (ordinary(text) and not word.capital):
            return set()
        # A word that everybody writes, or that is often said here, is what it says.
        return names if heard(text) < (1 if ordinary(text) else _OFTEN) else set()

    def _forms(self, word: Word) -> Iterator[str]:
        """Names of which the word is a short or long form."""
        text = word.text
        if word.capital or text not in COMMON:
            others = aliases().get(text, frozenset())
            yield from (name for name in others if name in self._bearers)
        if len(text) < _SHORTEST:
            return
        for name in self._starts.get(text[:_SHORTEST], ()):
            short = (name != text and name.startswith(text)) or _pet_form(text, name)
            long = word.capital and len(name) >= _SHORTEST and text.startswith(name)
            certain = len(name) > _SHORTEST or not ordinary(text)
            if (short and _name_like(word)) or (long and certain):
                yield name


def _contained(text: str, names: Iterable[str]) -> Iterator[str]:
    # In scripts without spaces the name stands somewhere in a run of characters.
    if not text.isascii() and analysis.terms(text)[0] != text:
        yield from (name for name in names if 1 < len(name) < len(text) and name in text)


def _narrow(words: list[Word], matches: list[Match]) -> None:
    """Words side by side that can mean the same one do: "Anna Meier" is no other Anna."""
    for place in range(1, len(words)):
        (first, left), (second, right) = matches[place - 1], matches[place]
        if words[place].joined and (both := left & right):
            matches[place - 1], matches[place] = (first, set(both)), (second, set(both))


def _astray(place: int, words: list[Word], matches: list[Match]) -> bool:
    """Whether a doubtful match is part of another name: "Car Show" when there is a Caroline."""
    beside = [place - 1] if words[place].joined else []
    if place + 1 < len(words) and words[place + 1].joined:
        beside.append(place + 1)
    return any(words[near].capital and not matches[near][1] for near in beside)


def _name_like(word: Word) -> bool:
    return word.capital or not ordinary(word.text)


def _pet_form(text: str, name: str) -> bool:
    """ "Kezzy" of "Kez", "Woodie" of "Woody"."""
    stem = name[:-1] if name[-1] == "y" and len(name) > _SHORTEST else name
    endings = ("y", "ie", "i", "ey") if text.startswith(stem) else ()
    return text in {stem + double + ending for ending in endings for double in ("", stem[-1])}


def _shortened(word: str) -> list[str]:
    # The first letter is seldom wrong.
    return [word[:place] + word[place + 1 :] for place in range(1, len(word))]


def one_slip(word: str, name: str) -> bool:
    """Whether one letter too many, too few, wrong, or two exchanged tell them apart."""
    start = 0
    while start < min(len(word), len(name)) and word[start] == name[start]:
        start += 1
    left, right = word[start:], name[start:]
    if len(left) == len(right):
        exchanged = left[:2] == right[1::-1] and left[2:] == right[2:]
        return left[1:] == right[1:] or exchanged
    return left[1:] == right if len(left) > len(right) else left == right[1:]
