"""`update_memory`: a new version of a memory, if it is still the one that was seen."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from mnemon.errors import InvalidInput
from mnemon.server.mcp import fields
from mnemon.server.mcp.desk import SHORT, Desk
from mnemon.server.mcp.tool import Answer, Arguments, Tool


class Changed(Arguments):
    """What to change."""

    id: fields.Id
    version: Annotated[
        int, Field(description="The version you saw; refused if it is another by now.", ge=1)
    ]
    content: Annotated[
        str | None, Field(description="The whole new text, not only what differs.", min_length=1)
    ] = None
    kind: fields.Kind = None
    speaker: Annotated[str | None, Field(description="Who said it.")] = None
    at: Annotated[str | None, Field(description="When it became true, ISO 8601.")] = None
    valid_to: Annotated[
        str | None,
        Field(description="When it stopped being true, ISO 8601: it is not found after that."),
    ] = None


class Version(BaseModel):
    """The new version."""

    id: str
    version: int


def update(desk: Desk, given: Changed) -> Answer:
    """Write a new version; the old ones stay in the memory's past."""
    wanted: dict[str, Any] = given.model_dump(exclude={"id", "version"}, exclude_none=True)
    if not wanted:
        raise InvalidInput("nothing to change: give content, kind, speaker, at or valid_to")
    memory, scope = desk.on("write")
    id = desk.id(memory, given.id)
    desk.touch([id])
    cube = memory.update(id, version=given.version, namespace=scope, **wanted)
    told = f"Updated {cube.id[-SHORT:]}, now version {cube.version}."
    return told, Version(id=cube.id, version=cube.version)


UPDATE = Tool(
    name="update_memory",
    title="Update a memory",
    description="""\
Correct or complete a memory that search_memory gave you: its new text becomes the next version, \
the old one stays in the past. Give the version you saw. When something was true and no longer is, \
set valid_to and add the new state as its own memory.""",
    arguments=Changed,
    result=Version,
    call=update,
)
