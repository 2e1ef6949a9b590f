"""Forgetting a cube, which can be undone; and purging it, which cannot."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.responses import RedirectResponse

from mnemon.cube import Receipt
from mnemon.errors import PurgeIncomplete
from mnemon.server.page.forms import Form
from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.page.shown import short
from mnemon.server.page.viewer import Viewer, Viewing

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/cubes/{id}/forget")
def forget(id: str, viewer: Viewing) -> Response:
    """Retire it: the past stays, and so does the way back."""
    done = viewer.on("forget").forget(id, namespace=viewer.scope)
    told = {"cubes": done.cubes, "links": done.links or None, "artifacts": done.artifacts or None}
    return RedirectResponse(viewer.link(f"/cubes/{id}", done="forgotten", **told), 303)


@router.get("/cubes/{id}/purge")
def ask(id: str, viewer: Viewing) -> Response:
    """What a purge would take, and the form that asks for it."""
    return _form(viewer, id, None)


@router.post("/cubes/{id}/purge")
def purge(id: str, viewer: Viewing, form: Form) -> Response:
    """Erase it, if the id was typed and the numbers are still those that were shown."""
    memory = viewer.on("forget")
    if form.get("typed", "").strip().lower() != short(id):
        return _form(viewer, id, f"Type {short(id)} to say that you mean it.", 422)
    plan = memory.forget(id, namespace=viewer.scope, purge=True, dry_run=True)
    if form.get("plan") != _numbers(plan):
        return _form(viewer, id, "What would go has changed meanwhile: look again.", 409)
    incomplete = None
    try:
        receipt = memory.forget(id, namespace=viewer.scope, purge=True)
    except PurgeIncomplete as error:
        incomplete = str(error)
        assert isinstance(error.receipt, Receipt)
        receipt = error.receipt
    return page("purged.html", viewer, id=id, receipt=receipt, incomplete=incomplete)


def _form(viewer: Viewer, id: str, wrong: str | None, code: int = 200) -> Response:
    memory = viewer.on("forget")
    plan = memory.forget(id, namespace=viewer.scope, purge=True, dry_run=True)
    latest = memory.history(id, namespace=viewer.scope)[-1] if viewer.may("read") else None
    return page("purge.html", viewer, code, id=id, plan=plan, numbers=_numbers(plan),
                latest=latest, wrong=wrong)  # fmt: skip


def _numbers(plan: Receipt) -> str:
    return f"{plan.cubes}/{plan.versions}/{plan.links}/{plan.artifacts}"
