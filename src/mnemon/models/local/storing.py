"""Storing a turn: the question, and the answer with all that stood in its prompt as its sources.

Both are written together, when the answer is whole. An answer is derived: it ends with any version
that it was made from, and the store refuses it if one of those changed while it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from mnemon.cube import Draft, MemCube, Span
from mnemon.memory import Memory
from mnemon.models.local.history import FIRST, RECALLED, TURN, Turn
from mnemon.models.local.wording import Source, mark

PRODUCER = "method:models.local/runtime@1"
USER, ASSISTANT = "user", "assistant"


def stored(
    memory: Memory, session: str, question: str, answer: str, sources: Sequence[Source],
    turns: Sequence[Turn], recalled: Sequence[MemCube], speaker: str = USER,
) -> list[MemCube]:  # fmt: skip
    """The cubes of a turn: question and answer; the question alone if nothing was answered.

    Args:
        sources: what stood in the prompt. turns: the past ones there, oldest first.
        recalled: what was put in for this turn, in order.

    Raises:
        VersionConflict, NotFound: a source changed while the answer was made; nothing is stored.
    """
    name = uuid4().hex
    asked = Draft(
        question, speaker=speaker, session=session, key=f"turn:{name}", metadata={TURN: name}
    )
    if not answer:
        return memory.add([asked])
    said = Draft(
        answer, speaker=ASSISTANT, session=session, producer=PRODUCER, key=f"turn:{name}/answer",
        spans=(*(Span(*source) for source in sources), Span(f"turn:{name}", 1)),
        metadata={
            TURN: name,
            RECALLED: [list(mark(cube)) for cube in recalled],
            FIRST: turns[0].question.id if turns else None,
        },
    )  # fmt: skip
    return memory.add([asked, said])
