"""Editing a cube, and bringing an old version back: each makes a new version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from starlette.responses import RedirectResponse

from mnemon.cube import MemCube
from mnemon.errors import InvalidInput, VersionConflict
from mnemon.instant import parse
from mnemon.server.page import diff
from mnemon.server.page.forms import Form
from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.page.undoing import bring_back
from mnemon.server.page.viewer import Viewer, Viewing
from mnemon.wire.problems import status

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/cubes/{id}/edit")
def ask(id: str, viewer: Viewing) -> Response:
    """The form, with what the cube says now."""
    found = viewer.on("write").get(id, namespace=viewer.scope)
    return _form(viewer, found, _fields(found))


@router.post("/cubes/{id}/edit")
def edit(id: str, viewer: Viewing, form: Form) -> Response:
    """A new version, if nobody else made one since the form was opened."""
    memory = viewer.on("write")
    found = memory.get(id, namespace=viewer.scope)
    version = number(form, "version")
    told = {name: form.get(name, value) for name, value in _fields(found).items()}
    try:
        if found.version != version:
            raise VersionConflict(id, version, found.version)
        changes = _changes(found, told)
        if not changes:
            return RedirectResponse(viewer.link(f"/cubes/{id}", done="unchanged"), 303)
        memory.update(id, version=version, namespace=viewer.scope, **changes)
    except VersionConflict:
        current = memory.get(id, namespace=viewer.scope)
        pieces = diff.compare(current.content, told["content"])
        return _form(viewer, current, told, 409, pieces=pieces)
    except InvalidInput as error:
        return _form(viewer, found, told, status(error), wrong=str(error))
    return RedirectResponse(viewer.link(f"/cubes/{id}", done="updated"), 303)


@router.post("/cubes/{id}/restore")
def restore(id: str, viewer: Viewing, form: Form) -> Response:
    """An old version as the newest; without a number the cube that was forgotten.

    Raises:
        VersionConflict: it is no longer what the page showed: an undo must not undo others' work.
    """
    memory = viewer.on("write")
    latest = memory.history(id, namespace=viewer.scope)[-1].version
    if form.get("latest") and number(form, "latest") != latest:
        raise VersionConflict(id, number(form, "latest"), latest)
    if form.get("version"):
        memory.restore(id, number(form, "version"), namespace=viewer.scope)
        return RedirectResponse(viewer.link(f"/cubes/{id}", done="restored"), 303)
    back = bring_back(memory, id, viewer.scope)
    told = {"links": back.links or None, "lost": back.lost or None}
    return RedirectResponse(viewer.link(f"/cubes/{id}", done="returned", **told), 303)


def number(form: Mapping[str, str], name: str) -> int:
    """A number that a form of ours holds.

    Raises:
        InvalidInput: it holds something else.
    """
    told = form.get(name, "")
    if not (told.isascii() and told.isdecimal() and len(told) < 19):
        raise InvalidInput(f"the form's {name} is {told[:40]!r}, no number: open the page again")
    return int(told)


def _form(
    viewer: Viewer, found: MemCube, told: Mapping[str, str], code: int = 200, **more: Any
) -> Response:
    return page("edit.html", viewer, code, cube=found, form=told,
                **{"wrong": None, "pieces": None, **more})  # fmt: skip


def _fields(found: MemCube) -> dict[str, str]:
    ends = found.valid_to
    return {
        "content": found.content.replace("\r\n", "\n"), "kind": found.kind,
        "speaker": found.speaker or "", "session": found.session or "",
        "at": found.valid_from.isoformat(), "valid_to": "" if ends is None else ends.isoformat(),
    }  # fmt: skip


def _changes(found: MemCube, told: Mapping[str, str]) -> dict[str, Any]:
    """Only what differs from the cube, as `update` takes it."""
    before = _fields(found)
    changes: dict[str, Any] = {
        name: told[name] for name in ("content", "kind") if told[name] != before[name]
    }
    for name in ("speaker", "session"):
        if told[name].strip() != before[name]:
            changes[name] = told[name].strip() or None
    for name in ("at", "valid_to"):
        if told[name].strip() != before[name]:
            changes[name] = parse(told[name]) if told[name].strip() else None
    return changes
