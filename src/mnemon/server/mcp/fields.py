"""Arguments that several tools share, each with what a model should know of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mnemon.server.mcp import budget

Namespace = Annotated[
    str | None,
    Field(
        description="A part of this memory, such as 'work' or 'work/site'. Leave out for all of "
        "it (when reading) or its top (when adding)."
    ),
]
Kind = Annotated[
    str | None,
    Field(
        description="episode (said or done), fact, profile (about the user), procedure (how to), "
        "insight, task, summary, entity, or your own word."
    ),
]
Time = Annotated[str | None, Field(description="ISO 8601, such as 2025-03-09.")]
Query = Annotated[
    str,
    Field(
        description="The question in full, with names: 'Where does Ana live?', not 'address'. "
        "Times such as 'last March' are understood.",
        min_length=1,
    ),
]
Budget = Annotated[
    int,
    Field(description="Tokens the answer may take.", ge=budget.LEAST, le=budget.MOST),
]
Id = Annotated[str, Field(description="The memory's id, as a tool gave it.", min_length=1)]
