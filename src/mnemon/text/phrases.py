"""Phrases: what a question names in more than a word, without a parser (English).

Names ("Becoming Nicole"), titles in quotes, handles and ids, numbers with what they count, and two
content words side by side ("support group"): of these most noun phrases are made.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from mnemon import analysis
from mnemon.text.vocabulary import parts

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_QUOTED = re.compile(r"[\"“«]([^\"“”«»]{2,80})[\"”»]|(?<!\w)['‘]([^'‘’]{3,80})['’](?!\w)")
_HANDLE = re.compile(r"[@#]\w[\w.-]+\w|\b[\w.+-]+@\w[\w.-]+\w|\b[A-Za-z]{2,}-\d+\b|\b\w+_\w+\b")
_SENTENCE = re.compile(r"(?:^|[.!?:\n(])\s*$")
_BETWEEN = re.compile(r"[ \-‐‑/&]{1,2}|, (?=\d)")
_OPEN = re.compile(r"[\W_]+")
_CONNECTING = frozenset({"of", "the", "and", "for", "de", "la", "du", "von", "van", "der", "del"})
_CALENDAR = frozenset(
    """january february march april may june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday christmas easter halloween""".split()  # noqa: SIM905
)
_RELATING = frozenset({"after", "before", "during", "since", "until", "while", "with", "without"})
_LONGEST = 5  # words of a name
_MOST = 64  # words of a question that are looked at: a longer one is a text
_HEAD = 8  # characters before a word that may end a sentence
_CENTURIES = ("19", "20")


@dataclass(frozen=True, slots=True)
class Phrase:
    """`terms` as full-text search compares them, in order; `text` as the question has it; `kind`
    is "title", "handle", "name", "number" or "pair"."""

    kind: str
    text: str
    terms: tuple[str, ...]

    @property
    def closed(self) -> str:
        """The term of the phrase written as one word."""
        return (analysis.terms(_OPEN.sub("", self.text)) or [""])[0]


class _Token(NamedTuple):
    text: str
    term: str
    plain: str
    start: int
    end: int
    joined: bool  # to the token before
    initial: bool  # first of a sentence

    @property
    def telling(self) -> bool:
        return self.plain not in analysis.STOPWORDS and self.plain not in _RELATING

    @property
    def capital(self) -> bool:
        told = self.text[0].isupper() and self.plain not in _CALENDAR
        return told and self.telling and len(self.text) > 1


def phrases(question: str, names: Collection[str] = ()) -> list[Phrase]:
    """What a question names, each phrase once, without the plain words `names` of participants."""
    tokens = _tokens(_HANDLE.sub(lambda handle: "|" * len(handle[0]), question))
    found = [
        *_marked(question),
        *_names(tokens, names),
        *_numbers(tokens),
        *_pairs(tokens, names),
        *_closed(tokens, names),
    ]
    kept: dict[tuple[str, ...], Phrase] = {}
    for phrase in found:
        if phrase.terms and not any(set(phrase.terms) <= set(terms) for terms in kept):
            kept[phrase.terms] = phrase
    return list(kept.values())


def compounds(question: str) -> list[str]:
    """Terms under which texts may hold the question's compounds: its pairs of words written as one,
    its words written as two where no one writes them whole, "5km" as "5 km" and the reverse."""
    tokens = _tokens(question)
    found = []
    for left, right in pairwise(tokens):
        if right.joined and left.telling and right.telling:
            found += analysis.terms(left.plain + right.plain)[:1]
    for token in tokens:
        found += [term for part in parts(token.plain) for term in analysis.terms(part)]
    return list(dict.fromkeys(found))


def _tokens(question: str) -> list[_Token]:
    question = question if question.isascii() else analysis.without_marks(question)
    tokens: list[_Token] = []
    end = 0
    for one in islice(_TOKEN.finditer(question), _MOST):
        text, start, known = one[0], one.start(), _known(one[0])
        if known is None:
            continue  # a script without spaces: its pairs of characters are its phrases
        between = question[end:start]
        joined = bool(tokens) and (between == " " or _BETWEEN.fullmatch(between) is not None)
        initial = _SENTENCE.search(question, max(0, start - _HEAD), start) is not None
        end = one.end()
        tokens.append(_Token(text, *known, start, end, joined, initial))
    return tokens


@lru_cache(maxsize=20_000)
def _known(text: str) -> tuple[str, str] | None:
    """(term, plain word) of what is one; None of what is several."""
    terms = analysis.terms(text)
    if len(terms) != 1:
        return None
    (plain,) = analysis.names(text) or [""]
    return terms[0], plain


def _marked(question: str) -> Iterator[Phrase]:
    for one in _QUOTED.finditer(question):
        text = one[1] or one[2]
        yield Phrase("title", text, tuple(analysis.query_terms(text)))
    for one in _HANDLE.finditer(question):
        yield Phrase("handle", one[0], tuple(analysis.query_terms(one[0])))


def _names(tokens: list[_Token], names: Collection[str]) -> Iterator[Phrase]:
    """Runs of capitalised words, with what connects them; one word alone not at the beginning."""
    place = 0
    while place < len(tokens):
        end = place
        while end < len(tokens) and end - place < _LONGEST and _goes_on(tokens, place, end):
            end += 1
        while end > place and not tokens[end - 1].capital:
            end -= 1
        run = tokens[place:end]
        told = len(run) > 1 or (run and not run[0].initial)
        if told and not all(token.plain in names for token in run):
            terms = tuple(token.term for token in run if token.telling)
            yield Phrase("name", " ".join(token.text for token in run), terms)
        place = max(end, place + 1)


def _goes_on(tokens: list[_Token], start: int, place: int) -> bool:
    token = tokens[place]
    if place == start:
        return token.capital
    return token.joined and (token.capital or token.plain in _CONNECTING)


def _numbers(tokens: list[_Token]) -> Iterator[Phrase]:
    for number, unit in pairwise(tokens):
        dated = unit.plain in _CALENDAR or (
            len(number.plain) == 4 and number.plain[:2] in _CENTURIES
        )
        counts = number.plain.isdigit() and unit.telling and not unit.plain.isdigit()
        if counts and unit.joined and not dated:
            yield Phrase("number", f"{number.text} {unit.text}", (number.term, unit.term))


def _pairs(tokens: list[_Token], names: Collection[str]) -> Iterator[Phrase]:
    for left, right in pairwise(tokens):
        if left.plain in names or right.plain in names:
            continue
        told = left.telling and right.telling
        told = told and not (left.plain.isdigit() or right.plain.isdigit())
        dated = left.plain in _CALENDAR or right.plain in _CALENDAR
        if told and right.joined and not dated and left.term != right.term:
            yield Phrase("pair", f"{left.text} {right.text}", (left.term, right.term))


def _closed(tokens: list[_Token], names: Collection[str]) -> Iterator[Phrase]:
    for token in tokens:
        if token.plain not in names and (two := parts(token.plain)):
            yield Phrase("pair", token.text, tuple(analysis.terms(" ".join(two))))
