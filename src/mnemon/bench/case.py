"""What a task gives and a system gets: cases of turns and questions. Frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass

from mnemon.cube import Draft


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said: the id that evidence names it by, and what a memory is given."""

    id: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the ids of the turns that hold its answer; `id` is unique in the task."""

    id: str
    category: str
    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Malformed:
    """Evidence (or a turn) that is not as the format says: where, what, why.

    `read_as` are the ids that could be made out nevertheless; they count as evidence.
    """

    case: str
    question: str
    string: str
    reason: str
    read_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation, in the order of time, and its questions with usable evidence.

    `unanswerable` counts the questions left out because no evidence is given or usable.
    """

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]
    malformed: tuple[Malformed, ...] = ()
    unanswerable: int = 0


def line(turn: Turn) -> str:
    """A turn as a system without a field for speakers sees and returns it."""
    said = " ".join(turn.draft.content.split())
    return f"{turn.draft.speaker}: {said}" if turn.draft.speaker else said
