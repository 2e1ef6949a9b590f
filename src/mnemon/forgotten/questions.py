"""Questions: what cubes tell, taken before they are forgotten; afterwards nothing has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput
from mnemon.store.rows import Filter
from mnemon.weights.lesson import Lesson, lesson

if TYPE_CHECKING:
    from mnemon.memory import Memory


@dataclass(frozen=True, slots=True)
class Question:
    """What one version of a cube tells. It holds content: keep it only until it was asked.

    Attributes:
        cube: its id. content: the text.
        lesson: the question that it answers and the answer; None if its form is not known, and then
            no model can be asked.
    """

    cube: str
    content: str = field(repr=False)
    lesson: Lesson | None = field(repr=False)


def questions(memory: Memory, ids: Iterable[str]) -> tuple[Question, ...]:
    """What some cubes tell, and told in the versions before.

    Raises:
        InvalidInput: a memory behind a server.
    """
    if not hasattr(memory, "_store"):
        raise InvalidInput(
            f"what was forgotten is verified beside the store, and this memory is at {memory.path}"
        )
    wanted = tuple(ids)
    chosen = Filter(memory.namespace, ids=wanted, forgotten=True, reader=memory.actor)
    found = [cube for _, cube in memory._store.select(chosen)]
    versions = (version for cube in found for version in memory.history(cube.id))
    told = {(one.id, one.content): Question(one.id, one.content, lesson(one)) for one in versions}
    return tuple(told.values())
