"""Putting one sample together: phrases into filler, then the questions, to an exact length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnemon.bench.recall.filler import Filler, Tokens
from mnemon.bench.recall.planting import Phrase, Question
from mnemon.bench.recall.vocabulary import BOS

_REPEATED_LEAST, _REPEATED_MOST = 16, 128


class Assembled(NamedTuple):
    """Tokens `[T]`, which of them are answers `[T]`, and how many are the context."""

    tokens: Tokens
    answers: NDArray[np.bool_]
    context: int


def merged(rng: np.random.Generator, sequences: list[list[Phrase]]) -> list[Phrase]:
    """One sequence, in which each keeps its own order."""
    if len(sequences) == 1:
        return sequences[0]
    labels = np.repeat(np.arange(len(sequences)), [len(one) for one in sequences])
    rng.shuffle(labels)
    each = [iter(one) for one in sequences]
    return [next(each[label]) for label in labels]


def room(length: int, phrases: Sequence[Phrase], questions: Sequence[Question]) -> int:
    """Tokens of a sample of `length` that are left for filler; negative if it is too short."""
    asked = sum(len(one.ids) + len(one.answer) for one in questions)
    return length - 1 - sum(map(len, phrases)) - asked


def assemble(
    rng: np.random.Generator, filler: Filler, length: int, phrases: Sequence[Phrase],
    questions: Sequence[Question], *, repeat: bool = False,
) -> Assembled:  # fmt: skip
    """`<bos>`, filler with the phrases at random places, the questions, each with its answer.

    With `repeat`, a stretch of the filler comes twice (what is said twice is no needle either).
    """
    left = room(length, phrases, questions)
    assert left >= 0, (length, left)
    around = filler.take(left) if left else np.zeros(0, np.int16)
    if repeat and left > _REPEATED_LEAST * 4:
        around = _repeated(rng, around)
    tokens, answers = np.zeros(length, np.int16), np.zeros(length, np.bool_)
    tokens[0] = BOS
    context = 1 + _strew(tokens[1:], around, phrases, np.sort(_cuts(rng, left, len(phrases))))
    end = context
    for one in questions:
        start = end + len(one.ids)
        tokens[end:start] = one.ids
        end = start + len(one.answer)
        tokens[start:end] = one.answer
        answers[start:end] = True
    return Assembled(tokens, answers, context)


def _cuts(rng: np.random.Generator, left: int, count: int) -> NDArray[np.int64]:
    return rng.integers(0, left + 1, count) if count else np.zeros(0, np.int64)


def _strew(into: Tokens, filler: Tokens, phrases: Sequence[Phrase], cuts: NDArray[np.int64]) -> int:
    """Fill `into` from its start with filler and, where it is cut, phrases; how many there are."""
    end = before = 0
    for cut, one in zip(cuts.tolist(), phrases, strict=True):
        into[end : end + cut - before] = filler[before:cut]
        end += cut - before
        before = cut
        into[end : end + len(one)] = one
        end += len(one)
    into[end : end + len(filler) - before] = filler[before:]
    return end + len(filler) - before


def _repeated(rng: np.random.Generator, filler: Tokens) -> Tokens:
    most = min(_REPEATED_MOST, len(filler) // 2)
    length = int(rng.integers(_REPEATED_LEAST, most))
    start = int(rng.integers(0, len(filler) - 2 * length + 1))
    again = int(rng.integers(start + length, len(filler) - length + 1))
    copy = filler.copy()
    copy[again : again + length] = copy[start : start + length]
    return copy
