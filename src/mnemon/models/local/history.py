"""History: a session's turns, read from its cubes at every turn; nothing else remembers them.

A turn is a question and its answer. The answer's cube says what it was made from: every cube that
stood in its prompt. A turn is left out when its question or answer was changed or forgotten, or
anything that its answer was made from.
"""

from __future__ import annotations

from dataclasses import dataclass

from mnemon.cube import MemCube
from mnemon.models.local.reading import Reading
from mnemon.models.local.wording import Source

TURN, RECALLED, FIRST = "turn", "recalled", "first"
"""Metadata: which turn a cube belongs to; of an answer: what was put into the prompt for it, and
the question of the oldest turn that stood there (null: its own)."""

_ALL = -1


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: its question and answer, and the cubes that were put in for it."""

    question: MemCube
    answer: MemCube
    recalled: tuple[MemCube, ...]

    @property
    def first(self) -> str:
        """The question of the oldest turn that stood in the prompt of this one."""
        return str(self.answer.metadata.get(FIRST) or self.question.id)


@dataclass(frozen=True, slots=True)
class History:
    """The turns that may stand in a prompt, oldest first, and how many may not."""

    turns: tuple[Turn, ...] = ()
    left_out: int = 0


def history(reading: Reading, session: str | None) -> History:
    """The turns of a session."""
    if session is None:
        return History()
    memory = reading.memory
    cubes = memory.list(session=session, kind="episode", limit=_ALL)
    cubes = [cube for cube in cubes if cube.namespace == memory.namespace and TURN in cube.metadata]
    reading.learn(cubes)
    answers = {cube.metadata[TURN]: cube for cube in cubes if RECALLED in cube.metadata}
    questions = {cube.metadata[TURN]: cube for cube in cubes if RECALLED not in cube.metadata}
    found = [
        turn
        for name, question in questions.items()
        if (answer := answers.get(name)) and (turn := _turn(reading, question, answer))
    ]
    return History(tuple(found), len({*answers, *questions}) - len(found))


def _turn(reading: Reading, question: MemCube, answer: MemCube) -> Turn | None:
    if not reading.sound(answer):
        return None
    given: list[Source] = [(str(id), int(version)) for id, version in answer.metadata[RECALLED]]
    recalled = [reading.version(source) for source in given]
    if any(cube is None for cube in recalled):
        return None
    return Turn(question, answer, tuple(cube for cube in recalled if cube is not None))
