"""One cube: text, header, versions and what changed between them, links, artifacts, events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from mnemon.cube import Link, MemCube, Span
from mnemon.errors import NotFound
from mnemon.memory import Memory
from mnemon.server.page import diff
from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.page.viewer import Viewing

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_EVENTS = 20
_ENDS = 100
_VERSIONS = 50
_HEADER = ("kind", "speaker", "session", "valid_from", "valid_to", "metadata")


class Asked(BaseModel):
    """Which version is shown, which two are compared, and what was just done."""

    version: int | None = None
    old: int | None = None
    new: int | None = None
    all: bool = False
    done: str = ""
    cubes: int = Field(0, ge=0)
    links: int = Field(0, ge=0)
    artifacts: int = Field(0, ge=0)
    lost: int = Field(0, ge=0)


@dataclass(frozen=True, slots=True)
class Tie:
    """A link as seen from one of its ends, with the cube at the other if it may be read."""

    link: Link
    outward: bool
    id: str
    cube: MemCube | None


@dataclass(frozen=True, slots=True)
class Source:
    """A span of a cube's provenance, and the text it names if that may be read."""

    span: Span
    text: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """Two versions: their texts' pieces, and (field, old, new) where their headers differ."""

    old: MemCube
    new: MemCube
    pieces: Sequence[diff.Piece]
    fields: Sequence[tuple[str, Any, Any]]


@router.get("/cubes/{id}")
def cube(id: str, viewer: Viewing, asked: Annotated[Asked, Query()]) -> Response:
    """All there is to know of a cube."""
    memory, scope = viewer.on("read"), viewer.scope
    past = memory.history(id, namespace=scope)
    shown = past[-1] if asked.version is None else _version(past, asked.version)
    ties = memory.links(id, namespace=scope)
    artifacts = memory.artifacts.list(cube=id, namespace=scope)
    return page(
        "cube.html", viewer, asked=asked, cube=shown, latest=past[-1],
        versions=past[::-1] if asked.all else past[-_VERSIONS:][::-1], past=len(past),
        change=_change(past, asked), sources=_sources(memory, scope, shown),
        ties=_ties(memory, scope, id, ties[:_ENDS]), untold=len(ties[_ENDS:]),
        artifacts=artifacts, events=memory.log(namespace=scope, cube=id, limit=_EVENTS)[::-1],
    )  # fmt: skip


def _version(past: Sequence[MemCube], number: int) -> MemCube:
    for one in past:
        if one.version == number:
            return one
    raise NotFound(f"the cube has versions {past[0].version} to {past[-1].version}, not {number}")


def _change(past: Sequence[MemCube], asked: Asked) -> Change | None:
    """The two versions that were asked for; or the shown one and the one before it."""
    if asked.old is not None and asked.new is not None:
        old, new = _version(past, asked.old), _version(past, asked.new)
    else:
        number = asked.version or past[-1].version
        place = past.index(_version(past, number))
        if place == 0:
            return None
        old, new = past[place - 1], past[place]
    fields = [
        (name, getattr(old, name), getattr(new, name))
        for name in _HEADER
        if getattr(old, name) != getattr(new, name)
    ]
    return Change(old, new, diff.compare(old.content, new.content), fields)


def _ties(memory: Memory, scope: str, id: str, links: Sequence[Link]) -> list[Tie]:
    ties = []
    for link in links:
        other = link.dst if link.src == id else link.src
        ties.append(Tie(link, link.src == id, other, _current(memory, scope, other)))
    return ties


def _current(memory: Memory, scope: str, id: str) -> MemCube | None:
    try:
        return memory.get(id, namespace=scope)
    except NotFound:
        return None


def _sources(memory: Memory, scope: str, shown: MemCube) -> list[Source]:
    told = []
    for span in shown.provenance.spans[:_ENDS]:
        try:
            text = memory.get(span.cube, namespace=scope, version=span.version).content
        except NotFound:
            told.append(Source(span, None))
        else:
            told.append(Source(span, text[span.start : span.end]))
    return told
