"""Reading: search, recall, get, list, count, find, history, links, expired."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from mnemon.cube import Hit, Link, MemCube, Recall
from mnemon.server import bodies, cursors, queries, replies
from mnemon.server.access import Granted
from mnemon.server.replies import Counted, Cubes, Reply

router = APIRouter(prefix="/v1", tags=["read"])


@router.post("/search", response_model=list[Hit])
def search(body: bodies.Search, grant: Granted) -> Response:
    """The cubes that answer a query best, best first; an empty list: nothing is relevant."""
    memory, scope = grant.on("read", body.namespace)
    hits = memory.search(**body.model_dump(exclude={"namespace"}), namespace=scope)
    grant.act.touch(hit.cube.id for hit in hits)
    return Reply(hits)


@router.post("/recall", response_model=Recall)
def recall(body: bodies.Recall, grant: Granted) -> Response:
    """Text for a prompt within a budget of tokens, in time order, cited."""
    memory, scope = grant.on("read", body.namespace)
    found = memory.recall(**body.model_dump(exclude={"namespace"}), namespace=scope)
    grant.act.touch(hit.cube.id for hit in found.hits)
    return Reply(found)


@router.get(
    "/get/{id:path}", response_model=MemCube, responses={304: {"description": "Unchanged."}}
)
def get(
    id: str,
    query: Annotated[queries.Get, Query()],
    grant: Granted,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A cube: its current version, one by number, or the one of a moment."""
    memory, scope = grant.on("read", query.namespace)
    found = memory.get(id, namespace=scope, version=query.version, as_of=query.as_of)
    return replies.cube(found, if_none_match)


@router.get("/list", response_model=Cubes)
def list_(query: Annotated[queries.List, Query()], grant: Granted) -> Response:
    """Cubes in the order they were recorded, a page at a time."""
    memory, scope = grant.on("read", query.namespace)
    of = query.model_dump(exclude={"namespace", "limit", "cursor"})
    ask = partial(memory.list, namespace=scope)
    page = cursors.cubes(ask, query.limit, query.cursor, **of)
    grant.act.touch(cube.id for cube in page.cubes)
    return Reply(page)


@router.get("/count", response_model=Counted)
def count(query: Annotated[queries.Count, Query()], grant: Granted) -> Response:
    """How many current cubes there are."""
    memory, scope = grant.on("read", query.namespace)
    return Reply(Counted(memory.count(namespace=scope, kind=query.kind)))


@router.get("/find", response_model=list[str])
def find(query: Annotated[queries.Find, Query()], grant: Granted) -> Response:
    """At most ten ids that end in some characters."""
    memory, scope = grant.on("read", query.namespace)
    return Reply(memory.find(query.ending, namespace=scope))


@router.get("/history/{id:path}", response_model=list[MemCube])
def history(id: str, query: Annotated[queries.Query, Query()], grant: Granted) -> Response:
    """All versions of a cube, oldest first, also of a forgotten one."""
    memory, scope = grant.on("read", query.namespace)
    return Reply(memory.history(id, namespace=scope))


@router.get("/links/{id:path}", response_model=list[Link])
def links(id: str, query: Annotated[queries.Links, Query()], grant: Granted) -> Response:
    """Links from and to a cube, oldest first."""
    memory, scope = grant.on("read", query.namespace)
    return Reply(memory.links(id, namespace=scope, as_of=query.as_of))


@router.get("/expired", response_model=list[MemCube])
def expired(query: Annotated[queries.Expired, Query()], grant: Granted) -> Response:
    """Cubes whose policy keeps them until then or earlier."""
    memory, scope = grant.on("read", query.namespace)
    return Reply(memory.expired(query.now, namespace=scope))
