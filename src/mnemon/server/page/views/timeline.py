"""The timeline: days, newest first, by when things were true."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from mnemon.errors import InvalidInput
from mnemon.server.page import days
from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.page.viewer import Viewing

router = APIRouter(route_class=PageRoute, include_in_schema=False)


class Asked(BaseModel):
    """What narrows the timeline, and where its page begins; an empty field asks nothing."""

    before: str = ""
    after: str = ""
    kind: str = ""
    speaker: str = ""
    session: str = ""
    as_of: str = ""

    def filters(self) -> dict[str, Any]:
        """What narrows it, under the call's own names."""
        told = self.model_dump(exclude={"before", "after"})
        return {name: value.strip() for name, value in told.items() if value.strip()}


@router.get("/timeline")
def timeline(viewer: Viewing, asked: Annotated[Asked, Query()]) -> Response:
    """A page of days."""
    memory = viewer.on("read")
    ask = partial(memory.list, namespace=viewer.scope, **asked.filters())
    found = days.page(ask, datetime.now(UTC).date(), _day(asked.before), asked.after or None)
    return page("timeline.html", viewer, asked=asked, found=found, filters=asked.filters())


def _day(told: str) -> date | None:
    if not told.strip():
        return None
    try:
        return date.fromisoformat(told.strip())
    except ValueError as error:
        raise InvalidInput(f"{told[:40]!r} is no day: write it as 2025-03-09") from error
