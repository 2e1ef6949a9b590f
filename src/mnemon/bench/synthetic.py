"""Synthetic chat for measuring speed: sentences of the bundled conversation, recombined."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from mnemon.bench.tasks.sample import Sample
from mnemon.cube import Draft

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_SPEAKERS = ("Ines", "Tobias")
_START = datetime(2025, 1, 1, 9, tzinfo=UTC)
_SESSION = 20  # turns, about as many as in the conversation itself


def turns(count: int, seed: int) -> list[Draft]:
    """Turns of one to three sentences by two speakers in turn, a session a day, none twice."""
    return list(stream(count, seed))


def stream(count: int, seed: int) -> Iterator[Draft]:
    """The same one by one: a million would fill a gigabyte."""
    said = _texts(seed)
    for place in range(count):
        yield Draft(
            content=next(said),
            speaker=_SPEAKERS[place % 2],
            session=f"day-{place // _SESSION}",
            at=_START + timedelta(days=place // _SESSION, minutes=place % _SESSION),
            key=f"synthetic:{seed}:{place}",
        )


def questions(count: int, seed: int) -> list[str]:
    """Distinct questions: those of the sample first, then runs of words of what was said."""
    asked = [question.text for case in Sample().read() for question in case.questions]
    draw, said = random.Random(seed), _texts(seed + 1)
    while len(asked) < count:
        words = next(said).split()
        length = draw.randint(4, 9)
        start = draw.randrange(max(1, len(words) - length + 1))
        asked.append(" ".join(words[start : start + length]))
        asked = list(dict.fromkeys(asked))
    return asked[:count]


def _texts(seed: int) -> Iterator[str]:
    """Distinct texts of one to three sentences, without end (millions of combinations)."""
    draw, seen = random.Random(seed), set[str]()
    sentences = _sentences()
    while True:
        text = " ".join(draw.sample(sentences, draw.randint(1, 3)))
        if text not in seen:
            seen.add(text)
            yield text


@cache
def _sentences() -> tuple[str, ...]:
    turns = [turn.draft.content for case in Sample().read() for turn in case.turns]
    return tuple(sorted({said for text in turns for said in _SENTENCE.split(text)}))
