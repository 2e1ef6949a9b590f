"""Templates → pages."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from mnemon import __version__
from mnemon.cube import KINDS
from mnemon.errors import MnemonError
from mnemon.server.page import assets, shown
from mnemon.wire import problems

if TYPE_CHECKING:
    from mnemon.server.page.viewer import Viewer

_TEMPLATES = Path(__file__).with_name("templates")


def page(template: str, viewer: Viewer | None, status: int = 200, **told: Any) -> HTMLResponse:
    """A template as an answer; `viewer` is None for who has not signed in."""
    text = _environment().get_template(template).render(viewer=viewer, **told)
    return HTMLResponse(text, status)


def failure(error: MnemonError, signed_in: bool) -> HTMLResponse:
    """The page for an error of ours; who has signed in can sign out there."""
    told = problems.document(error)
    return page("failure.html", None, told["status"], told=told, signed_in=signed_in)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "text": shown.text, "flat": shown.flat, "moment": shown.moment, "day": shown.day,
        "clock": shown.clock, "number": shown.number, "bytes": shown.size, "short": shown.short,
        "counted": shown.counted, "detail": shown.detail, "json": shown.as_json,
    }  # fmt: skip
    made.globals |= {"asset": assets.address, "version": __version__, "kinds": KINDS}
    return made
