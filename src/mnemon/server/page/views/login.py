"""Signing in with an API key, and out."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from mnemon.server.access import Service, unkeyed
from mnemon.server.page.forms import Form
from mnemon.server.page.rendering import page
from mnemon.server.page.route import PageRoute
from mnemon.server.sessions import SECONDS, Sessions

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/login")
def ask(request: Request, next: Annotated[str, Query()] = "/") -> Response:
    """The form."""
    if unkeyed(request.app.state.service, request.scope) is not None:
        return RedirectResponse("/", 303)
    return page("login.html", None, next=_local(next), wrong=False)


@router.post("/login")
def sign_in(request: Request, form: Form) -> Response:
    """A session for a key; the cookie holds the session's id, never the key."""
    service: Service = request.app.state.service
    sessions: Sessions = request.app.state.sessions
    target = _local(form.get("next", "/"))
    key = service.home.keys.find(form.get("key", "").strip())
    if key is None:
        return page("login.html", None, 401, next=target, wrong=True)
    request.scope["mnemon.key"] = key.id
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        sessions.cookie, sessions.begin(key), max_age=SECONDS, httponly=True, samesite="strict",
        secure="https" in (request.url.scheme, request.headers.get("x-forwarded-proto")),
    )  # fmt: skip
    return answer


@router.post("/logout")
def sign_out(request: Request) -> Response:
    """End the session."""
    sessions: Sessions = request.app.state.sessions
    sessions.end(request.cookies.get(sessions.cookie))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(sessions.cookie, httponly=True, samesite="strict")
    return answer


def _local(target: str) -> str:
    """Where to go on: an address of this server, whatever a link says."""
    try:
        told = urlsplit(target)
    except ValueError:
        return "/"
    plain = target.isprintable() and "\\" not in target
    inside = not told.scheme and not told.netloc and target.startswith("/")
    return target if plain and inside and not target.startswith("//") else "/"
