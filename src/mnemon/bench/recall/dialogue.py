"""A dialogue that tells facts, some of which are told anew later: the last word counts.

… user : my foubiko 's city is leze tizo . assistant : noted . …
… user : actually foubiko 's city is now jairo lupiso . …
Q : what is foubiko 's city now ? A : jairo lupiso <eos>
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnemon.bench.recall import vocabulary
from mnemon.bench.recall.planting import Draw, Phrase, Planted, Question, question
from mnemon.bench.recall.vocabulary import phrase

_SAID = ("user :", "user : note that", "user : my")
_ANSWERED = ("assistant : ok .", "assistant : noted .", "")
_FACTS_A_NAME = 3


def facts(
    draw: Draw, count: int, asked: int, rewritten: float = 0.0, only: str | None = None
) -> Planted:
    """`count` facts, a share of them `rewritten` one to three times.

    Questions are of the task `fact`, or `update` for what was rewritten; `only` one of them.
    """
    told, rng = list[list[Phrase]](), draw.rng
    keys = _keys(draw, count)
    last, times = list[list[int]](), list[int]()
    for key in keys:
        again = int(rng.integers(1, 4)) if rng.random() < rewritten else 0
        turns = [turn(draw, key, first=i == 0) for i in range(again + 1)]
        told.append([said for said, _ in turns])
        last.append(turns[-1][1])
        times.append(again)
    questions = list[Question]()
    for i in rng.permutation(count):
        task = "update" if times[i] else "fact"
        if only in (None, task) and len(questions) < asked:
            questions.append(asking(task, keys[i], last[i]))
    return Planted(told, questions)


def _keys(draw: Draw, count: int) -> list[tuple[int, int]]:
    named, attributes = max(1, int(np.ceil(count / _FACTS_A_NAME))), vocabulary.attributes()
    names = draw.words(named)
    keys: dict[tuple[int, int], None] = {}
    while len(keys) < count:
        name = names[draw.rng.integers(named)]
        keys[name, attributes[draw.rng.integers(len(attributes))]] = None
    return list(keys)


def turn(draw: Draw, key: tuple[int, int], *, first: bool) -> tuple[Phrase, list[int]]:
    """A turn that tells, or (not `first`) tells anew, what is known by `key`; the new value."""
    rng, value = draw.rng, draw.any_words(2)
    if first:
        opening, verb = _one(rng, _SAID), "is"
    else:
        opening = "user : actually" if rng.random() < 0.5 else "user : update :"
        verb = "is now"
    said = [*phrase(opening), *_of(key), *phrase(verb), *value, *phrase(".")]
    return [*said, *phrase(_one(rng, _ANSWERED))], value


def asking(task: str, key: tuple[int, int], value: list[int]) -> Question:
    """The question for a value, by its key: a name and an attribute."""
    return question(task, [*phrase("what is"), *_of(key), *phrase("now")], value)


def _of(key: tuple[int, int]) -> tuple[int, ...]:
    name, attribute = key
    return (name, *phrase("'s"), attribute)


def _one(rng: np.random.Generator, among: Sequence[str]) -> str:
    return among[int(rng.integers(len(among)))]
