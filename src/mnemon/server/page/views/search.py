"""The first page: search with its reasons; without a question, what is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from mnemon import namespace as paths
from mnemon.cube import Hit, MemCube
from mnemon.errors import InvalidInput
from mnemon.server.page import days
from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.page.shown import excerpt
from mnemon.server.page.viewer import Viewer, Viewing
from mnemon.wire.problems import status

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_STEP, _MOST = 10, 100
_RECENT = 5
_MATCHES = re.compile(r"matches ([^;]+)")


class Asked(BaseModel):
    """What the form asks; an empty field asks nothing."""

    q: str = ""
    k: int = _STEP
    kind: str = ""
    speaker: str = ""
    session: str = ""
    since: str = ""
    until: str = ""
    as_of: str = ""

    def filters(self) -> dict[str, Any]:
        """What narrows the search, under the call's own names."""
        told = self.model_dump(exclude={"q", "k"})
        return {name: value.strip() for name, value in told.items() if value.strip()}


@dataclass(frozen=True, slots=True)
class Answer:
    """A hit, its text cut around the words that matched, and those words."""

    hit: Hit
    text: str
    words: tuple[str, ...]


@router.get("/")
def search(viewer: Viewing, asked: Annotated[Asked, Query()]) -> Response:
    """Hits with channels, ranks, matched words and probability."""
    memory = viewer.on("read")
    told: dict[str, Any] = {"asked": asked, "answers": None, "wrong": None, "more": None}
    if not asked.q.strip():
        return page("search.html", viewer, **told, **_there(viewer))
    k = max(1, min(asked.k, _MOST))
    try:
        hits = memory.search(asked.q, k, namespace=viewer.scope, explain=True, **asked.filters())
    except InvalidInput as error:
        return page("search.html", viewer, status(error), **told | {"wrong": str(error)})
    told["answers"] = [_answer(hit) for hit in hits]
    if len(hits) == k < _MOST:
        told["more"] = min(_MOST, k + 2 * _STEP)
    total = memory.count(namespace=viewer.scope) if not hits else None
    return page("search.html", viewer, **told, total=total)


def _answer(hit: Hit) -> Answer:
    found = [_MATCHES.search(reason.detail) for reason in hit.why]
    words = tuple(
        word.strip() for match in found if match is not None for word in match[1].split(",")
    )
    return Answer(hit, excerpt(hit.cube.content, words), words)


def _there(viewer: Viewer) -> dict[str, Any]:
    memory, found = viewer.on("read"), viewer.namespaces()
    within = [count for path, count in found if paths.contains(viewer.scope, path)]
    total = sum(within)
    elsewhere = sum(count for _, count in found) - total
    ask = partial(memory.list, namespace=viewer.scope)
    recent = _newest(days.page(ask, datetime.now(UTC).date(), want=_RECENT).days) if total else []
    return {"total": total, "below": len(within), "elsewhere": elsewhere, "recent": recent}


def _newest(found: Sequence[days.Day]) -> list[MemCube]:
    newest = [cube for day in found for cube in reversed(day.cubes)]
    return newest[:_RECENT]
