"""Sizes by form and tier, and the artifacts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from mnemon.artifacts import INSIDE, Artifact
from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.page.viewer import Viewer, Viewing

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_ROWS = 50


@dataclass(frozen=True, slots=True)
class Share:
    """What one form takes on one tier. `bytes` is None where the store does not tell it apart."""

    form: str
    tier: str
    count: int
    stale: int
    bytes: int | None


@router.get("/storage")
def storage(
    viewer: Viewing,
    stale: Annotated[bool, Query()] = False,
    start: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """The namespace's artifacts, a page at a time, and how much each form takes."""
    memory = viewer.on("read")
    found = memory.artifacts.list(namespace=viewer.scope)[::-1]
    listed = [one for one in found if not one.fresh] if stale else found
    more = start + _ROWS if start + _ROWS < len(listed) else None
    cubes = memory.count(namespace=viewer.scope)
    return page(
        "storage.html", viewer,
        shares=[Share("text", "database", cubes, 0, None), *_shares(found)],
        whole=_whole(viewer), artifacts=listed[start : start + _ROWS], listed=len(listed),
        all=len(found), old=sum(not one.fresh for one in found), stale=stale, start=start,
        more=more,
    )  # fmt: skip


def _shares(found: Iterable[Artifact]) -> list[Share]:
    groups: dict[tuple[str, str], list[Artifact]] = {}
    for one in found:
        tier = "places" if one.elsewhere else _near(one)
        groups.setdefault((one.form, tier), []).append(one)
    return [
        Share(form, tier, len(of), sum(not one.fresh for one in of), sum(one.size for one in of))
        for (form, tier), of in sorted(groups.items())
    ]


def _near(one: Artifact) -> str:
    return "database" if one.size <= INSIDE else "file beside it"


def _whole(viewer: Viewer) -> dict[str, int] | None:
    """The store's own counts; None for who reaches only a part of it."""
    key = viewer.grant.key
    if key is not None and (key.namespaces is not None or not viewer.may("admin")):
        return None
    return viewer.grant.whole("admin").size()
