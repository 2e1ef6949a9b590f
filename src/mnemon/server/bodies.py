"""What requests hold in their bodies: the system calls' own parameters, under the same names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Time = str | int | float
"""ISO 8601, or seconds since 1970."""

Kinds = str | list[str]


class Body(BaseModel):
    """What all of them have. An unknown parameter is refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=True)

    namespace: str | None = Field(None, description="Where; the key's own, or `default`.")


class PolicyIn(BaseModel):
    """Who may do what with a cube."""

    model_config = ConfigDict(extra="forbid")

    readers: list[str] = []
    writers: list[str] = []
    retain_until: Time | None = None
    compile: bool = True


class SpanIn(BaseModel):
    """A source: another cube's version, or characters of it."""

    model_config = ConfigDict(extra="forbid")

    cube: str
    version: int
    start: int | None = None
    end: int | None = None


class Item(BaseModel):
    """A chat message (`role`, `content`, …) or a draft (also `policy`, `spans`, `links`, …).

    A field that no item has is refused, with the nearest known one.
    """

    model_config = ConfigDict(extra="allow")

    content: str | list[dict[str, Any]] | None = None
    role: str | None = None
    speaker: str | None = None
    session: str | None = None
    at: Time | None = None
    valid_to: Time | None = None
    kind: str | None = None
    metadata: dict[str, Any] | None = None
    source: str | None = None
    key: str | None = None
    links: list[tuple[str, str]] | None = None
    spans: list[SpanIn] | None = None
    confidence: float | None = None
    policy: PolicyIn | None = None
    producer: str | None = None


class DocumentIn(BaseModel):
    """A long text: one cube for the whole, one `part_of` it for each passage."""

    model_config = ConfigDict(extra="forbid")

    text: str
    title: str | None = None
    at: Time | None = None
    metadata: dict[str, Any] = {}
    source: str | None = None
    key: str | None = None


class Add(Body):
    """One item or a document gives a cube; a list gives a list, all of it or none."""

    content: str | Item | list[str | Item] | None = None
    document: DocumentIn | None = None
    speaker: str | None = None
    session: str | None = None
    at: Time | None = None
    kind: str | None = None
    metadata: dict[str, Any] | None = None
    source: str | None = None
    key: str | None = Field(None, description="Of a single item; `Idempotency-Key` is the same.")


class Search(Body):
    """See `Memory.search`."""

    query: str
    k: int = 10
    kind: Kinds | None = None
    speaker: str | None = None
    session: str | None = None
    since: Time | None = None
    until: Time | None = None
    as_of: Time | None = None
    valid_at: Time | None = None
    at: Time | None = None
    min_score: float = 0.0
    explain: bool = False


class Recall(Body):
    """See `Memory.recall`."""

    query: str
    budget: int = 1000
    kind: Kinds | None = None
    as_of: Time | None = None
    at: Time | None = None
    min_score: float = 0.0


class Update(Body):
    """Only what is given is changed; null takes it away."""

    model_config = ConfigDict(extra="allow")

    content: str | None = None
    version: int | None = Field(None, description="The version you read; `If-Match` is the same.")
    kind: str | None = None
    speaker: str | None = None
    session: str | None = None
    at: Time | None = None
    valid_to: Time | None = None
    metadata: dict[str, Any] | None = None
    source: str | None = None
    confidence: float | None = None
    policy: PolicyIn | None = None
    spans: list[SpanIn] | None = None
    producer: str | None = None


class Restore(Body):
    """See `Memory.restore`."""

    version: int | None = None


class Rollback(Body):
    """See `Memory.rollback`."""

    to: Time
    dry_run: bool = False


class Ends(Body):
    """A link by its ends and type."""

    src: str
    type: str
    dst: str


class LinkIn(Ends):
    """See `Memory.link`."""

    weight: float = 1.0
    metadata: dict[str, Any] | None = None


class Forget(Body):
    """By id, or by what they are. `namespace` alone forgets all of it.

    `person` (one name or several of one person) always purges, and stands alone with `namespace`
    and `dry_run`.
    """

    person: str | list[str] | None = None
    ids: str | list[str] | None = None
    kind: Kinds | None = None
    speaker: str | None = None
    session: str | None = None
    since: Time | None = None
    until: Time | None = None
    metadata: dict[str, Any] | None = None
    version: int | None = Field(None, description="The version you read; `If-Match` is the same.")
    dry_run: bool = False
    purge: bool = False


class Feedback(Body):
    """See `Memory.feedback`."""

    ids: str | list[str]
    helpful: bool


class Reindex(BaseModel):
    """See `Memory.reindex`."""

    model_config = ConfigDict(extra="forbid")

    embedder: str | None = None
    keep: bool = False


class Selected(BaseModel):
    """Which cubes of the namespace; all of them if it is empty."""

    model_config = ConfigDict(extra="forbid")

    kind: Kinds | None = None


class Compile(Body):
    """See `Jobs.compile`. `selection` is ids or `{}` or `{"kind": …}`, `model` one that the server
    lets be used, by name. Where it lies is the server's to say."""

    selection: str | Annotated[list[str], Field(max_length=1000)] | Selected
    model: str
    form: Literal["kv", "weights"] = "kv"
    policy: str | None = None
    alias: str = "current"


class Fsck(BaseModel):
    """See `Memory.fsck`."""

    model_config = ConfigDict(extra="forbid")

    repair: bool = False
