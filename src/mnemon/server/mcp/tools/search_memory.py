"""`search_memory`: single memories with their ids, best first, as many as the budget holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from mnemon.cube import Hit
from mnemon.server.fence import NOTICE, fenced
from mnemon.server.mcp import budget, fields
from mnemon.server.mcp.desk import SHORT, Desk
from mnemon.server.mcp.tool import Answer, Arguments, Tool

_MOST = 50


class Searched(Arguments):
    """What to search."""

    query: fields.Query
    k: Annotated[int, Field(description="Memories at most.", ge=1, le=_MOST)] = 10
    kind: fields.Kind = None
    speaker: Annotated[str | None, Field(description="Only what this one said.")] = None
    since: fields.Time = None
    until: fields.Time = None
    min_score: Annotated[
        float, Field(description="Leave out what is less likely to answer it.", ge=0, le=1)
    ] = 0.0
    namespace: fields.Namespace = None
    budget: fields.Budget = budget.DEFAULT


class Memory(BaseModel):
    """One hit."""

    id: str
    version: int
    score: Annotated[float, Field(description="The chance that it answers the query.")]
    date: str
    kind: str
    speaker: str | None = None
    namespace: str | None = None
    content: str
    cut: Annotated[bool | None, Field(description="True: content is only its beginning.")] = None


class Found(BaseModel):
    """What was found."""

    notice: str = NOTICE
    memories: list[Memory]
    more: Annotated[
        str | None, Field(description="What was found and not shown, and how to see it.")
    ] = None


def search(desk: Desk, given: Searched) -> Answer:
    """Search."""
    # One more than is asked for tells whether there is more.
    memory, scope = desk.on("read", given.namespace)
    hits = memory.search(
        given.query,
        given.k + 1,
        namespace=scope,
        kind=given.kind,
        speaker=given.speaker,
        since=given.since,
        until=given.until,
        min_score=given.min_score,
    )
    desk.touch(hit.cube.id for hit in hits)
    shown, beyond = hits[: given.k], len(hits) > given.k

    def told(amount: int) -> Answer:
        memories = [_memory(desk, hit) for hit in shown[:amount]]
        return _answer(memories, _more(amount, shown, beyond))

    amount = budget.most(told, len(shown), given.budget)
    if amount < 0:
        raise budget.too_small(given.budget)
    if amount == 0 and shown:
        return _beginning(desk, shown, beyond, given.budget)
    return told(amount)


def _beginning(desk: Desk, shown: Sequence[Hit], beyond: bool, tokens: int) -> Answer:
    """The best hit alone does not fit: its beginning does."""
    whole = _memory(desk, shown[0])

    def told(length: int) -> Answer:
        cut = whole.model_copy(update={"content": whole.content[:length] + "…", "cut": True})
        return _answer([cut], _more(1, shown, beyond))

    length = budget.most(told, len(whole.content), tokens)
    if length < 0:
        raise budget.too_small(tokens)
    return told(length)


def _memory(desk: Desk, hit: Hit) -> Memory:
    cube = hit.cube
    return Memory(
        id=cube.id,
        version=cube.version,
        score=round(hit.score, 3),
        date=cube.valid_from.date().isoformat(),
        kind=cube.kind,
        speaker=cube.speaker,
        namespace=desk.below(cube.namespace),
        content=cube.content,
    )


def _more(amount: int, shown: Sequence[Hit], beyond: bool) -> str | None:
    if left := len(shown) - amount:
        return f"{left} more found that the budget has no room for: raise budget, or narrow query"
    return "there may be more: raise k, or narrow the query" if beyond else None


def _answer(memories: list[Memory], more: str | None) -> Answer:
    form = Found(memories=memories, more=more)
    if not memories:
        return more or "Nothing in memory is relevant to that.", form
    text = fenced("\n".join(_line(memory) for memory in memories))
    return (f"{text}\n({more})" if more else text), form


def _line(memory: Memory) -> str:
    head = [memory.id[-SHORT:], f"v{memory.version}", memory.date, f"{memory.score:.2f}"]
    head += [part for part in (memory.kind, memory.speaker, memory.namespace) if part]
    return f"[{' | '.join(head)}{' | beginning only' if memory.cut else ''}] {memory.content}"


SEARCH = Tool(
    name="search_memory",
    title="Search memory",
    description="""\
Find single memories, best first, each with its id and version (which update_memory and \
forget_memory want), date and score. Use recall instead to get context for an answer. An empty \
answer means that nothing is known: say so, do not guess.""",
    arguments=Searched,
    result=Found,
    call=search,
    read_only=True,
    idempotent=True,
)
