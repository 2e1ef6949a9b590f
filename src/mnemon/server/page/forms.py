"""What forms send, and that it was a page of this server that sent it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request

from mnemon.errors import AccessDenied, InvalidInput

_FIELDS = 100


def check_origin(request: Request) -> None:
    """Raise AccessDenied for a form of another site: the browser would send our cookie along."""
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    if origin is None:
        own = request.headers.get("sec-fetch-site") == "same-origin"
    else:
        own = _host(origin) == host.lower()
    if not own:
        raise AccessDenied(
            "this form was not sent by a page of this server: open the page here and send it "
            "again; programs use /v1"
        )


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


async def _fields(request: Request) -> dict[str, str]:
    body = await request.body()
    if not body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise InvalidInput(f"a form is sent as application/x-www-form-urlencoded, not {kind!r}")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict",
            max_num_fields=_FIELDS,
        )  # fmt: skip
    except ValueError as error:
        raise InvalidInput(f"the form cannot be read ({error}): open the page again") from error
    # Browsers send line ends of text areas as CR LF.
    return {name: value.replace("\r\n", "\n") for name, value in pairs}


Form = Annotated[dict[str, str], Depends(_fields)]
