"""Signing in with an API key or an access token, and out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from mnemon.errors import KeyRefused
from mnemon.server.access import Service, unkeyed
from mnemon.server.oauth import tokens
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
    return _form(request, _local(next))


@router.post("/login")
async def sign_in(request: Request, form: Form) -> Response:
    """A session for a key; the cookie holds the session's id, never the key."""
    sessions: Sessions = request.app.state.sessions
    target = _local(form.get("next", "/"))
    id = await _begun(request, form.get("key", "").strip())
    if id is None:
        return _form(request, target, wrong=True)
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        sessions.cookie, id, max_age=SECONDS, httponly=True, samesite="strict",
        secure="https" in (request.url.scheme, request.headers.get("x-forwarded-proto")),
    )  # fmt: skip
    return answer


async def _begun(request: Request, told: str) -> str | None:
    """The id of a new session; None for what is no key, and no token that opens anything."""
    service: Service = request.app.state.service
    sessions: Sessions = request.app.state.sessions
    if service.oauth is not None and tokens.looks_like(told):
        try:
            claims = await service.oauth.claims(told)
        except KeyRefused:
            return None
        note = service.oauth.rules.noted(claims)
        of_token = service.oauth.rules.revived(note)
        if of_token is None or of_token.expires_at is None:
            return None
        request.scope["mnemon.key"] = of_token.id
        left = (of_token.expires_at - datetime.now(UTC)).total_seconds()
        return await run_in_threadpool(sessions.begin_noted, note, left)
    key = await run_in_threadpool(service.home.keys.find, told)
    if key is None:
        return None
    request.scope["mnemon.key"] = key.id
    return await run_in_threadpool(sessions.begin, key)


def _form(request: Request, target: str, wrong: bool = False) -> Response:
    service: Service = request.app.state.service
    issuer = None if service.oauth is None else service.oauth.options.issuer
    status = 401 if wrong else 200
    return page("login.html", None, status, next=target, wrong=wrong, issuer=issuer)


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
