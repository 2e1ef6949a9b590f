"""The tree of namespaces."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.page.tree import branches
from mnemon.server.page.viewer import Viewing

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_ROWS = 200


@router.get("/namespaces")
def namespaces(viewer: Viewing, start: Annotated[int, Query(ge=0)] = 0) -> Response:
    """What the viewer reaches, with how much is in it."""
    found = branches(viewer.namespaces())
    most = max((one.total for one in found), default=0)
    more = start + _ROWS if start + _ROWS < len(found) else None
    return page(
        "namespaces.html", viewer,
        branches=found[start : start + _ROWS], most=most, all=len(found), start=start, more=more,
    )  # fmt: skip
