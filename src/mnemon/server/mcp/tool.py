"""What a tool is: a name, two schemas, hints, and a function of the desk and its arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp_types import Tool as Listed
from mcp_types import ToolAnnotations
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import GenerateJsonSchema

from mnemon.server.mcp.desk import Desk

Answer = tuple[str, BaseModel]
"""Short text for the model, and the same as data."""


class Arguments(BaseModel):
    """Base of tools' arguments: an argument nobody knows is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class _Terse(GenerateJsonSchema):
    # Every token of a schema is in every prompt: no titles that repeat the fields' names, and what
    # may be left out is left out, not null.
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> dict[str, Any]:
        made = super().default_schema(schema)
        if "default" in made and made["default"] is None:
            del made["default"]
        return made


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. `read_only`, `destructive` and `idempotent` are the protocol's hints."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    result: type[BaseModel]
    call: Callable[[Desk, Any], Answer]
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False

    def listed(self) -> Listed:
        """The tool as `tools/list` tells it."""
        hints = ToolAnnotations(
            title=self.title,
            read_only_hint=self.read_only,
            destructive_hint=self.destructive,
            idempotent_hint=self.idempotent,
            open_world_hint=False,
        )
        return Listed(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=_schema(self.arguments, "validation"),
            output_schema=_schema(self.result, "serialization"),
            annotations=hints,
        )


def _schema(model: type[BaseModel], mode: Any) -> dict[str, Any]:
    schema = model.model_json_schema(mode=mode, schema_generator=_Terse)
    for told in (schema, *schema.get("$defs", {}).values()):
        told.pop("title", None)
        told.pop("description", None)
    return schema
