"""Needles: codes of keys, strewn in filler (RULER's niah tasks).

    … remember : the code for shaiko is x3f xa0 x11 x9c . …
    Q : what is the code for shaiko ? A : x3f xa0 x11 x9c <eos>

Hsieh et al. 2024, https://arxiv.org/abs/2404.06654; HOW OURS DIFFERS: codes are four tokens of a
vocabulary of our own instead of seven digits, and an answer counts only if every token is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnemon.bench.recall.planting import Draw, Phrase, Planted, Question, joined, question
from mnemon.bench.recall.vocabulary import phrase

_FORMS = (
    ("remember : the code for", "is"),
    ("note that", "has code"),
    ("the secret code of", ":"),
)
_MOST_AT_ONCE = 4


def needles(draw: Draw, count: int, asked: int) -> Planted:
    """`count` keys with a code each; a question asks for one."""
    keys, codes, planted = keyed(draw, count)
    task = "niah_single" if count == 1 else "niah_multikey"
    what = phrase("what is the code for")
    order = draw.rng.permutation(count)[::-1][:asked]
    return Planted([planted], [question(task, [*what, keys[i]], codes[i]) for i in order])


def several(draw: Draw, count: int, asked: int, at_once: int | None = None) -> Planted:
    """`count` keys with a code each; a question asks for `at_once` (else two to four) of them."""
    keys, codes, planted = keyed(draw, count)
    left, questions = [int(i) for i in draw.rng.permutation(count)], list[Question]()
    what = phrase("what are the codes for")
    while left and len(questions) < asked:
        size = int(draw.rng.integers(2, _MOST_AT_ONCE + 1))
        size = at_once or size
        if len(left) < size:
            break
        chosen = [left.pop() for _ in range(size)]
        body = [*what, *joined([[keys[i]] for i in chosen])]
        questions.append(question("multiquery", body, joined([codes[i] for i in chosen])))
    return Planted([planted], questions)


def valued(draw: Draw, count: int, asked: int, values: int | None = None) -> Planted:
    """`count` keys with `values` (else two to four) codes each; a question asks for all of one."""
    keys = draw.words(count)
    sizes = [values or int(draw.rng.integers(2, _MOST_AT_ONCE + 1)) for _ in keys]
    codes = [[draw.values(3) for _ in range(size)] for size in sizes]
    places = [key for key, size in enumerate(sizes) for _ in range(size)]
    told, planted = [0] * count, list[Phrase]()
    for i in draw.rng.permutation(places):
        planted.append(_needle(draw.rng, keys[i], codes[i][told[i]]))
        told[i] += 1
    what = phrase("what are all the codes for")
    order = draw.rng.permutation(count)[:asked]
    asking = [question("multivalue", [*what, keys[i]], joined(codes[i])) for i in order]
    return Planted([planted], asking)


def keyed(draw: Draw, count: int) -> tuple[list[int], list[list[int]], list[Phrase]]:
    """`count` keys, their codes of four values, and the phrases that tell them."""
    keys = draw.words(count)
    codes = [draw.values(4) for _ in range(count)]
    planted = [_needle(draw.rng, key, code) for key, code in zip(keys, codes, strict=True)]
    return keys, codes, planted


def _needle(rng: np.random.Generator, key: int, code: Sequence[int]) -> Phrase:
    before, between = _FORMS[rng.integers(len(_FORMS))]
    return [*phrase(before), key, *phrase(between), *code, *phrase(".")]
