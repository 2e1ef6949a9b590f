"""Recalling: what memory holds on a question and the prompt does not tell already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon import analysis
from mnemon.cube import Hit, MemCube, Recall
from mnemon.models.local.history import Turn
from mnemon.models.local.reading import Reading
from mnemon.models.local.wording import Wording

_SHORT = 4  # telling words: a question with fewer ("and hers?") is asked with the one before it
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
    told = {question, *(cube.content for cube in _cubes(turns))}
    query, asked = _query(question, turns), budget
    for _ in range(_ROUNDS):
        found = reading.memory.recall(query, asked)
        there = [hit for hit in found.hits if hit.cube.content in told]
        more = min(budget + _shares(found, there), _MOST * budget)
        if more <= asked or found.trace.get("regime") == "everything":
            break
        asked = more
    reading.learn(hit.cube for hit in found.hits)
    new = [hit for hit in found.hits if hit.cube.content not in told]
    sound = [hit for hit in new if reading.sound(hit.cube)]
    taken = _fitting(wording, sound, found, budget, room)
    return Recalled(tuple(taken), len(new) - len(sound), len(there))


def _cubes(turns: Sequence[Turn]) -> list[MemCube]:
    """All cubes that stand in the prompt."""
    return [cube for turn in turns for cube in (turn.question, turn.answer, *turn.recalled)]


def _query(question: str, turns: Sequence[Turn]) -> str:
    if turns and len(analysis.query_terms(question)) < _SHORT:
        return f"{turns[-1].question.content}\n{question}"
    return question


def _shares(found: Recall, hits: Sequence[Hit]) -> int:
    """About how many of the recalled tokens some hits take: by their share of the characters."""
    whole = sum(len(hit.cube.content) for hit in found.hits) or 1
    return round(found.tokens * sum(len(hit.cube.content) for hit in hits) / whole)


def _fitting(
    wording: Wording, hits: Sequence[Hit], found: Recall, budget: int, room: int
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
