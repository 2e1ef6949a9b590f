"""`recall`: what bears on a question, as text for the prompt."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from mnemon.cube import Recall
from mnemon.server.fence import NOTICE, fenced
from mnemon.server.mcp import budget, fields
from mnemon.server.mcp.desk import Desk
from mnemon.server.mcp.tool import Answer, Arguments, Tool

_ROUNDS = 4


class Asked(Arguments):
    """What to recall."""

    query: fields.Query
    kind: fields.Kind = None
    namespace: fields.Namespace = None
    budget: fields.Budget = budget.DEFAULT


class Recalled(BaseModel):
    """What was recalled."""

    notice: str = NOTICE
    text: Annotated[
        str, Field(description="Oldest first; a heading a day; numbered lines: who, what.")
    ]
    memories: Annotated[int, Field(description="How many are in the text.")]


def recall(desk: Desk, given: Asked) -> Answer:
    """Recall within the budget, of which the frame around the text takes a part."""
    frame = budget.cost(_answer("", 0))
    room = given.budget - frame
    if room < 1:
        raise budget.too_small(given.budget)
    memory, scope = desk.on("read", given.namespace)
    for _ in range(_ROUNDS):
        found = memory.recall(given.query, room, namespace=scope, kind=given.kind)
        desk.touch(hit.cube.id for hit in found.hits)
        answer = _answer(found.text, len(found.hits))
        over = budget.cost(answer) - frame
        if over <= given.budget - frame:
            return answer
        room = max(1, room * (given.budget - frame) // over)
    return _beginning(found, given.budget)


def _beginning(found: Recall, tokens: int) -> Answer:
    """As much as fits of a text that cannot be had smaller: one memory, an endless word in it."""

    def told(length: int) -> Answer:
        return _answer(found.text[:length] + "…", len(found.hits))

    length = budget.most(told, len(found.text), tokens)
    if length < 0:
        raise budget.too_small(tokens)
    return told(length)


def _answer(text: str, memories: int) -> Answer:
    form = Recalled(text=text, memories=memories)
    return (fenced(text) if text else "Nothing in memory is relevant to that."), form


RECALL = Tool(
    name="recall",
    title="Recall",
    description="""\
What memory holds on a question, as compact text in time order within a budget of tokens. Call it \
at the start of a task and before you answer anything about the user, their people, projects, past \
decisions or earlier conversations. For single memories with ids, use search_memory.""",
    arguments=Asked,
    result=Recalled,
    call=recall,
    read_only=True,
    idempotent=True,
)
