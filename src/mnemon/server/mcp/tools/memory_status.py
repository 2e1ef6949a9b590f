"""`memory_status`: how much is remembered, and in which parts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from mnemon import namespace as paths
from mnemon.server.fence import fenced
from mnemon.server.mcp import budget, fields
from mnemon.server.mcp.desk import Desk
from mnemon.server.mcp.tool import Answer, Arguments, Tool


class Looked(Arguments):
    """How much to tell."""

    budget: fields.Budget = budget.DEFAULT


class Part(BaseModel):
    """A namespace below this memory's own."""

    namespace: str
    memories: int


class Status(BaseModel):
    """What there is."""

    memories: Annotated[int, Field(description="In all parts together.")]
    parts: list[Part]
    more: Annotated[str | None, Field(description="What was left out.")] = None


def status(desk: Desk, given: Looked) -> Answer:
    """Count, and name the parts as far as the budget goes."""
    memory, scope = desk.on("read")
    total = memory.count(namespace=scope)
    parts = [
        Part(namespace=below, memories=count)
        for path, count in memory.namespaces()
        if count and paths.contains(scope, path) and (below := desk.below(path))
    ]

    def told(amount: int) -> Answer:
        left = len(parts) - amount
        more = f"{left} more namespaces: raise budget" if left else None
        form = Status(memories=total, parts=parts[:amount], more=more)
        names = "\n".join(f"{part.namespace}: {part.memories}" for part in form.parts)
        text = [f"Memories: {total}.", fenced(names) if names else "", f"({more})" if more else ""]
        return "\n".join(line for line in text if line), form

    amount = budget.most(told, len(parts), given.budget)
    if amount < 0:
        raise budget.too_small(given.budget)
    return told(amount)


STATUS = Tool(
    name="memory_status",
    title="Memory status",
    description="How many memories there are, and the namespaces they are in.",
    arguments=Looked,
    result=Status,
    call=status,
    read_only=True,
    idempotent=True,
)
