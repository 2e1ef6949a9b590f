"""A conversation over several sessions, each about one person: LoCoMo's shape in recall's words.

    user : my foubiko 's city is leze tizo . assistant : noted . …
    user : actually foubiko 's job is now jairo lupiso . …
    Q : what is foubiko 's job now ? A : jairo lupiso <eos>

Every person has several sessions, with those of others between them; every turn tells one thing and
goes on with filler. Some of it is told anew in a later session, and then the last word counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.bench.recall import text, vocabulary
from mnemon.bench.recall.dialogue import asking, turn
from mnemon.bench.recall.filler import HeldOut
from mnemon.bench.recall.planting import Draw, Question
from mnemon.errors import InvalidInput

_TOLD_ANEW = 0.25


@dataclass(frozen=True)
class History:
    """A conversation, and what is asked about it.

    Attributes:
        turns: as texts, oldest first. questions: one about everything that holds at the end.
    """

    turns: tuple[str, ...]
    questions: tuple[Question, ...]


def history(
    seed: int, *, people: int = 4, sessions: int = 2, turns: int = 4, filler: int = 20
) -> History:
    """The conversation of a seed: always the same one.

    Args:
        people: how many it is about. sessions: of each. turns: of a session.
        filler: words after what a turn tells.

    Raises:
        InvalidInput: nobody, nothing said, or more than there are attributes to tell.
    """
    if min(people, sessions, turns) < 1 or sessions * turns > len(vocabulary.attributes()):
        raise InvalidInput(
            f"{people} people, {sessions} sessions of {turns} turns: take one of each at least, and"
            f" {len(vocabulary.attributes())} turns a person at most"
        )
    rng = np.random.default_rng([seed, people, sessions, turns])
    draw, words = Draw(rng), HeldOut(rng)
    latest: dict[tuple[int, int], list[int]] = {}
    fresh = {name: _shuffled(rng, vocabulary.attributes()) for name in draw.words(people)}
    said: list[str] = []
    for session in range(sessions):
        for name in _shuffled(rng, tuple(fresh)):
            for _ in range(turns):
                known = [key for key in latest if key[0] == name]
                anew = session > 0 and rng.random() < _TOLD_ANEW
                key = known[rng.integers(len(known))] if anew else (name, fresh[name].pop())
                phrase, latest[key] = turn(draw, key, first=not anew)
                said.append(text([*phrase, *words.take(filler).tolist()]))
    asked = tuple(asking("fact", key, value) for key, value in latest.items())
    return History(tuple(said), asked)


def _shuffled(rng: np.random.Generator, among: tuple[int, ...]) -> list[int]:
    return [among[place] for place in rng.permutation(len(among))]
