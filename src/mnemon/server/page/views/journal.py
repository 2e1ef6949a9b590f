"""The journal, and what the open page asks for to stay live."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.page.viewer import Viewing

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_ROWS = 50
_LARGEST = 2**63 - 1

Number = Annotated[int | None, Query(ge=0, le=_LARGEST)]


@router.get("/journal")
def journal(viewer: Viewing, before: Number = None) -> Response:
    """The newest events, or those before one."""
    events = viewer.on("read").log(namespace=viewer.scope, before=before, limit=_ROWS)
    older = events[0].seq if len(events) == _ROWS else None
    newest = events[-1].seq if events else 0
    return page(
        "journal.html", viewer, events=events[::-1], older=older, newest=newest, before=before
    )


@router.get("/journal/events")
def events(viewer: Viewing, after: Number = None) -> Response:
    """Rows of what happened after an event: answered at once, so no browser holds a thread."""
    found = viewer.on("read").log(namespace=viewer.scope, after=after or 0, limit=_ROWS)
    answer = page("events.html", viewer, events=found[::-1])
    answer.headers["Mnemon-Newest"] = str(found[-1].seq if found else after or 0)
    return answer
