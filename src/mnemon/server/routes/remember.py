"""Writing: add, update, restore, link, unlink, feedback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Response

from mnemon.cube import Draft, Link, MemCube, Span
from mnemon.gathering import Call
from mnemon.identity import new_id
from mnemon.server import bodies, incoming, replies
from mnemon.server.access import Grant, Granted
from mnemon.server.replies import Reply, Unlinked

router = APIRouter(prefix="/v1", tags=["write"])

LONGEST_KEY = 255
"""Characters of an `Idempotency-Key`."""

_ID = len(new_id())
_NOT_GIVEN = ("content", "document", "namespace", "key")
_GIVEN = tuple(name for name in bodies.Add.model_fields if name not in _NOT_GIVEN)

IfMatch = Annotated[str | None, Header(description="The ETag that was read; 412 if it is old.")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=LONGEST_KEY,
        description="Asking for the same again under a key gives what is there; for something else "
        "it is refused.",
    ),
]  # fmt: skip


@router.post("/add", response_model=MemCube | list[MemCube])
def add(body: bodies.Add, grant: Granted, idempotency_key: Key = None) -> Response:
    """Remember one item, several, or a document; durable and searchable when it answers."""
    memory, scope = grant.on("write", body.namespace)
    content: Any = incoming.content(body, idempotency_key)
    grant.check_sources(_sources(content if isinstance(content, list) else [content]), scope)
    made: Any = memory.add(content, namespace=scope, **_given(body, idempotency_key))
    grant.act.touch(cube.id for cube in (made if isinstance(made, list) else [made]))
    return Reply(made) if isinstance(made, list) else replies.cube(made)


def _sources(items: Sequence[Any]) -> list[Span]:
    """Spans that name cubes; one may name another item of the call by its key instead."""
    drafts = [one for one in items if isinstance(one, Draft)]
    keys = {
        one.key for one in drafts if one.key and len(one.key) != _ID
    }  # one so long may be an id
    return [span for one in drafts for span in one.spans if span.cube not in keys]


def single(body: bodies.Add, grant: Grant, idempotency_key: str | None) -> Call:
    """The same of one item without sources, to be added together with others."""
    memory, scope = grant.on("write", body.namespace)
    content: Any = incoming.content(body, idempotency_key)
    return Call(content, scope, memory.actor, _given(body, idempotency_key))


def _given(body: bodies.Add, idempotency_key: str | None) -> dict[str, Any]:
    given = {name: getattr(body, name) for name in _GIVEN}
    return given | {"key": incoming.single_key(body, idempotency_key)}


@router.post("/update/{id:path}", response_model=MemCube)
def update(id: str, body: bodies.Update, grant: Granted, if_match: IfMatch = None) -> Response:
    """A new version of a cube; the past stays."""
    memory, scope = grant.on("write", body.namespace)
    told = body.model_dump(exclude_unset=True, exclude={"namespace", "version"})
    changes = incoming.changes(told, body.policy, body.spans)
    grant.check_sources(changes.get("spans", ()), scope)
    version = replies.expected(if_match, body.version)
    return replies.cube(memory.update(id, version=version, namespace=scope, **changes))


@router.post("/restore/{id:path}", response_model=MemCube)
def restore(
    id: str,
    body: Annotated[bodies.Restore, Body(default_factory=bodies.Restore)],
    grant: Granted,
) -> Response:
    """An old version, or the last one of a forgotten cube, as the newest."""
    memory, scope = grant.on("write", body.namespace)
    return replies.cube(memory.restore(id, body.version, namespace=scope))


@router.post("/link", response_model=Link)
def link(body: bodies.LinkIn, grant: Granted) -> Response:
    """Link two cubes; linking again sets weight and metadata."""
    memory, scope = grant.on("write", body.namespace)
    grant.act.touch([body.src, body.dst])
    made = memory.link(
        body.src, body.type, body.dst,
        weight=body.weight, metadata=body.metadata, namespace=scope,
    )  # fmt: skip
    return Reply(made)


@router.post("/unlink", response_model=Unlinked)
def unlink(body: bodies.Ends, grant: Granted) -> Response:
    """End a link; whether there was one."""
    memory, scope = grant.on("write", body.namespace)
    grant.act.touch([body.src, body.dst])
    return Reply(Unlinked(memory.unlink(body.src, body.type, body.dst, namespace=scope)))


@router.post("/feedback", status_code=204, response_class=Response)
def feedback(body: bodies.Feedback, grant: Granted) -> None:
    """Say which recalled cubes helped, or did not."""
    memory, scope = grant.on("write", body.namespace)
    grant.act.touch([body.ids] if isinstance(body.ids, str) else body.ids)
    memory.feedback(body.ids, body.helpful, namespace=scope)
