"""Recalling: what memory holds on a question and the prompt does not tell already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from mnemon import analysis
from mnemon.cube import Hit, MemCube, Recall
from mnemon.models.local.history import Turn
from mnemon.models.local.reading import Reading
from mnemon.models.local.wording import Wording

_SHORT = 4  # telling words: a question with fewer ("and hers?") may lean on the one before it
_ROUNDS = 4
_MOST = 8  # times the budget that is looked through for what the prompt does not tell


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is put in for a turn.

    Attributes:
        hits: best first. cubes: the same, in time order, as they stand in the prompt.
        stale: how many were left out because they were derived from what is no longer so.
        there: how many said what stands in the prompt already.
    """

    hits: tuple[Hit, ...] = ()
    stale: int = 0
    there: int = 0

    @property
    def cubes(self) -> tuple[MemCube, ...]:
        """The cubes in time order."""
        found = [hit.cube for hit in self.hits]
        return tuple(sorted(found, key=lambda cube: (cube.valid_from, cube.id)))


def recalled(
    reading: Reading, wording: Wording, question: str, turns: Sequence[Turn], budget: int, room: int
) -> Recalled:
    """What bears on a question, within `budget` tokens as the memory counts, and `room` as the
    model does.

    Args:
        turns: those that will stand in the prompt.

    Raises:
        MnemonError: recall failed; that is not the same as nothing found.
    """
    if budget < 1:
        return Recalled()
    told = {question, *(cube.content for cube in cubes_of(turns))}
    found = [_found(reading, query, told, budget) for query in _queries(question, turns)]
    hits = _in_turn([one.hits for one in found])
    reading.learn(hit.cube for hit in hits)
    new = [hit for hit in hits if hit.cube.content not in told]
    sound = [hit for hit in new if reading.sound(hit.cube)]
    taken = _fitting(wording, sound, found, budget, room)
    return Recalled(tuple(taken), len(new) - len(sound), len(hits) - len(new))


def _found(reading: Reading, query: str, told: set[str], budget: int) -> Recall:
    """What bears on a query: so much of it that `budget` tokens are not told already."""
    asked = budget
    for _ in range(_ROUNDS):
        found = reading.memory.recall(query, asked)
        there = [hit for hit in found.hits if hit.cube.content in told]
        more = min(budget + _shares([found], there), _MOST * budget)
        if more <= asked or found.trace.get("regime") == "everything":
            break
        asked = more
    return found


def cubes_of(turns: Sequence[Turn]) -> list[MemCube]:
    """All cubes that stand in the prompt for past turns."""
    return [cube for turn in turns for cube in (turn.question, turn.answer, *turn.recalled)]


def _queries(question: str, turns: Sequence[Turn]) -> list[str]:
    """The question, and with the one before it if it may lean on that; only so if it says nothing
    by itself."""
    terms = len(analysis.query_terms(question))
    if not turns or terms >= _SHORT:
        return [question]
    both = f"{turns[-1].question.content}\n{question}"
    return [question, both] if terms else [both]


def _in_turn(found: Sequence[Sequence[Hit]]) -> list[Hit]:
    """The best hit of each, then the second of each, and so on; no cube twice."""
    hits = [hit for row in zip_longest(*found) for hit in row if hit is not None]
    return list({hit.cube.id: hit for hit in hits}.values())


def _shares(found: Sequence[Recall], hits: Sequence[Hit]) -> int:
    """About how many of the recalled tokens some hits take: by their share of the characters."""
    whole = sum(len(hit.cube.content) for one in found for hit in one.hits) or 1
    tokens = sum(one.tokens for one in found)
    return round(tokens * sum(len(hit.cube.content) for hit in hits) / whole)


def _fitting(
    wording: Wording, hits: Sequence[Hit], found: Sequence[Recall], budget: int, room: int
) -> list[Hit]:
    """The best hits that fit both; where none is better than another, the newest."""
    taken: dict[str, Hit] = {}
    tokens = 0
    for hit in hits if any(hit.score for hit in hits) else reversed(hits):
        if hit.cube.content in taken:
            continue
        tokens += len(wording.text(hit.cube))
        if tokens > room or _shares(found, [*taken.values(), hit]) > budget:
            break
        taken[hit.cube.content] = hit
    return list(taken.values())
