"""`add_memory`: one more memory, searchable when the tool returns."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from mnemon.errors import InvalidInput
from mnemon.server.fence import is_fenced
from mnemon.server.mcp import fields
from mnemon.server.mcp.desk import SHORT, Desk
from mnemon.server.mcp.tool import Answer, Arguments, Tool


class Added(Arguments):
    """What to remember."""

    content: Annotated[
        str,
        Field(
            description="One self-contained statement: full names, absolute dates, no 'he' or "
            "'yesterday'.",
            min_length=1,
        ),
    ]
    kind: fields.Kind = None
    speaker: Annotated[str | None, Field(description="Who said it, if it matters.")] = None
    at: Annotated[str | None, Field(description="When it was true, ISO 8601. Default: now.")] = None
    session: Annotated[str | None, Field(description="The conversation it belongs to.")] = None
    key: Annotated[
        str | None,
        Field(description="Your own name for it: adding the same again under it adds nothing."),
    ] = None
    namespace: fields.Namespace = None


class Kept(BaseModel):
    """The memory as it was kept."""

    id: str
    version: int
    namespace: str | None = None


def add(desk: Desk, given: Added) -> Answer:
    """Remember one thing."""
    if is_fenced(given.content):
        raise InvalidInput(
            "this text came out of memory and is there already: add only what is new, in your own "
            "words, or correct a memory with update_memory"
        )
    memory, scope = desk.on("write", given.namespace)
    cube = memory.add(
        given.content,
        namespace=scope,
        kind=given.kind,
        speaker=given.speaker,
        at=given.at,
        session=given.session,
        key=given.key,
    )
    desk.touch([cube.id])
    kept = Kept(id=cube.id, version=cube.version, namespace=desk.below(cube.namespace))
    return f"Remembered as {cube.id[-SHORT:]}, version {cube.version}.", kept


ADD = Tool(
    name="add_memory",
    title="Add a memory",
    description="""\
Remember something for later conversations: a preference, a decision and its reason, a fact about \
the user, their people or the project, a lesson learned, a promise. Call it once for each \
statement, as soon as you learn it. It can be found at once.
Do not store: passwords, keys or other secrets; what is only true in this conversation; what the \
files or the web tell anyway; what came from memory. To correct a memory, use update_memory.""",
    arguments=Added,
    result=Kept,
    call=add,
)
