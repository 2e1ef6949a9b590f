"""Moved questions: those of one conversation, asked of the next, which never had the answer.

    "When did Caroline go to the LGBTQ support group?", asked of the memory of Jon and Gina
    "When did Jon go to the LGBTQ support group?", the same with one of their names

Without new names the name alone gives it away. With them a few questions may happen to have an
answer after all ("What does Jon do for a living?"), so no system can tell all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mnemon.bench.case import Case, Question

_WORD = re.compile(r"\w+")
_SHORTEST = 3  # letters of a part of a name, or of a short form: "Mel" for Melanie


def moved(cases: Sequence[Case], renamed: bool) -> dict[str, list[Question]]:
    """Case → the questions of the case before it (the last one's go to the first), no evidence.

    Nothing for a single case: there is no other conversation to move questions to.
    """
    if len(cases) < 2:
        return {case.id: [] for case in cases}
    found = {}
    for place, case in enumerate(cases):
        home = cases[place - 1]
        names = among(home, case) if renamed else {}
        found[case.id] = [
            replace(question, text=rename(question.text, names), evidence=())
            for question in home.questions
        ]
    return found


def among(home: Case, other: Case) -> dict[str, str]:
    """Name of each speaker of one conversation → a speaker of another, in the order they speak."""
    theirs = speakers(other)
    return {
        name: theirs[place % len(theirs)] for place, name in enumerate(speakers(home)) if theirs
    }


def speakers(case: Case) -> list[str]:
    """Who speaks, in the order of their first turn."""
    named = (turn.draft.speaker for turn in case.turns)
    return list(dict.fromkeys(name for name in named if name))


def rename(text: str, names: Mapping[str, str]) -> str:
    """A text with names replaced, all at once: whole ones, their words, and short forms.

    A short form is the beginning of a name, three letters at least, with a capital and not as the
    text's first word ("Will" there is rarely William).
    """
    whole = {name.lower(): other for name, other in names.items()}
    words = {word.lower(): names[name] for name in names for word in _WORD.findall(name)}
    longest = sorted(names, key=len, reverse=True)
    pattern = "|".join([*(rf"\b{re.escape(name)}\b" for name in longest), _WORD.pattern])

    def put(match: re.Match[str]) -> str:
        said, plain = match[0], match[0].lower()
        if plain in whole or len(plain) < _SHORTEST:
            return whole.get(plain, said)
        if plain in words:
            return words[plain]
        short = match.start() > 0 and said[0].isupper()
        longer = [word for word in words if short and word.startswith(plain)]
        return words[min(longer)] if longer else said

    return re.sub(pattern, put, text, flags=re.IGNORECASE)
