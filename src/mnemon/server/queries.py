"""What requests ask in their addresses."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, Json

PAGE = 1000
"""The most that one page holds."""

_CURSOR = Field(None, description="`next` of the page before; the other parameters as they were.")


MOST_WAIT_S = 300.0
"""The most that a request waits for a job: longer ones are cut by what is in between."""

_WAIT: Any = Field(
    None, ge=0, le=MOST_WAIT_S,
    description="Seconds to wait for it; what is not done then goes on as a job (202).",
)  # fmt: skip


class Query(BaseModel):
    """What all of them have. An unknown parameter is refused."""

    model_config = ConfigDict(extra="forbid")

    namespace: str | None = Field(None, description="Where; the key's own, or `default`.")


class Get(Query):
    """See `Memory.get`."""

    version: int | None = None
    as_of: str | None = None


class Count(Query):
    """See `Memory.count`."""

    kind: list[str] | None = None


class List(Query):
    """See `Memory.list`."""

    kind: list[str] | None = None
    speaker: str | None = None
    session: str | None = None
    metadata: Json[dict[str, Any]] | None = Field(None, description="A JSON object.")
    since: str | None = None
    until: str | None = None
    as_of: str | None = None
    valid_at: str | None = None
    after: str | None = Field(None, description="The id of a cube to begin after.")
    limit: int = Field(100, ge=1, le=PAGE)
    cursor: str | None = _CURSOR


class Links(Query):
    """See `Memory.links`."""

    as_of: str | None = None


class Find(Query):
    """See `Memory.find`."""

    ending: str


class Expired(Query):
    """See `Memory.expired`."""

    now: str


class Log(Query):
    """See `Memory.log`."""

    cube: str | None = None
    after: int = 0
    before: int | None = None
    limit: int = Field(100, ge=1, le=PAGE)
    cursor: str | None = _CURSOR


class Export(Query):
    """See `Memory.export`."""

    artifacts: bool = False


class Import(Query):
    """See `Memory.import_`. `name` is the file's name: it helps to tell the format."""

    wait: float | None = _WAIT

    format: str | None = None
    name: str | None = None
    options: Json[dict[str, Any]] | None = Field(None, description="The importer's own, as JSON.")


class Waiting(BaseModel):
    """How long to wait for what may take long; as long as it takes if nothing is said."""

    model_config = ConfigDict(extra="forbid")

    wait: float | None = _WAIT


class JobGet(BaseModel):
    """See `Jobs.get`."""

    model_config = ConfigDict(extra="forbid")

    wait: float = Field(0.0, ge=0, le=MOST_WAIT_S, description="Seconds to wait until it is done.")


class Jobs(Query):
    """See `Jobs.list`."""

    namespace: str | None = Field(None, description="This and below; all that the key reaches.")
    state: str | None = None
    call: list[str] | None = None
    before: str | None = Field(None, description="The id of a job to begin before.")
    limit: int = Field(100, ge=1, le=PAGE)
    cursor: str | None = _CURSOR
