"""Every address of the page: errors as pages, forms from here only, headers that keep it closed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import RedirectResponse

from mnemon.errors import InvalidInput, MnemonError
from mnemon.server.page.forms import check_origin
from mnemon.server.page.rendering import failure
from mnemon.server.page.viewer import SignInNeeded

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": with it browsers send forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose answers are for people."""

    def get_route_handler(self) -> Handler:
        """The handler, with what all of them share around it."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            answer = await _answered(request, inner)
            answer.headers.update(HEADERS)
            # Memories are private: not in a browser's cache when somebody has signed out.
            answer.headers.setdefault("Cache-Control", "no-store")
            return answer

        return handle


async def _answered(request: Request, inner: Handler) -> Response:
    try:
        if request.method == "POST":
            check_origin(request)
        return await inner(request)
    except SignInNeeded:
        return RedirectResponse(f"/login?next={quote(_back(request), safe='')}", 303)
    except MnemonError as error:
        request.scope["mnemon.error"] = type(error).__name__
        return failure(error, _signed_in(request))
    except RequestValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return failure(InvalidInput(f"{where}: {first['msg']}"), _signed_in(request))


def _back(request: Request) -> str:
    """Where to go on after signing in; a form's address shows nothing by itself."""
    if request.method != "GET":
        return "/"
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _signed_in(request: Request) -> bool:
    return request.app.state.sessions.cookie in request.cookies
