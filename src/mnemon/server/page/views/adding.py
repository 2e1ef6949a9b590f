"""Adding a cube by hand."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from starlette.responses import RedirectResponse

from mnemon.errors import InvalidInput
from mnemon.server.page.forms import Form
from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.page.viewer import Viewing
from mnemon.wire.problems import status

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_FIELDS = ("speaker", "session", "at", "kind")


@router.get("/add")
def ask(viewer: Viewing) -> Response:
    """The form."""
    viewer.on("write")
    return page("add.html", viewer, form={}, wrong=None)


@router.post("/add")
def add(viewer: Viewing, form: Form) -> Response:
    """Remember it, and show it."""
    memory = viewer.on("write")
    given: dict[str, Any] = {
        name: form[name].strip() for name in _FIELDS if form.get(name, "").strip()
    }
    try:
        made = memory.add(form.get("content", ""), namespace=viewer.scope, **given)
    except InvalidInput as error:
        return page("add.html", viewer, status(error), form=form, wrong=str(error))
    return RedirectResponse(viewer.link(f"/cubes/{made.id}", done="added"), 303)
