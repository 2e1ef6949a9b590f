"""Errors ↔ problem documents (RFC 9457, `application/problem+json`).

`type` names the exception's class, `title` is its docstring's first line, `detail` its message; its
own attributes are further members. One table says which status a class has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mnemon import errors
from mnemon.cube import Receipt
from mnemon.errors import MnemonError
from mnemon.wire.plain import plain
from mnemon.wire.values import revive

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:mnemon:"

STATUS: dict[type[MnemonError], int] = {
    errors.InvalidInput: 422,
    errors.ContentTooLarge: 413,
    errors.NotFound: 404,
    errors.VersionConflict: 409,
    errors.AccessDenied: 403,
    errors.KeyRefused: 401,
    errors.OnHold: 409,
    errors.QuotaExceeded: 403,
    errors.RateLimited: 429,
    errors.StaleArtifact: 409,
    errors.StoreBusy: 503,
    errors.StoreClosed: 503,
    errors.StoreFull: 507,
    errors.StoreReadOnly: 403,
    errors.EmbedderError: 502,
    errors.SpaceMoved: 503,
    errors.ServerError: 504,
    errors.UpstreamFailed: 502,
    errors.IssuerFailed: 503,
    errors.ImportFailed: 422,
    errors.MissingExtra: 501,
    MnemonError: 500,
}
"""The status of a class, or of the nearest class above it."""


def status(error: MnemonError) -> int:
    """The HTTP status that an error has."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def document(error: MnemonError, code: int | None = None) -> dict[str, Any]:
    """The problem document of an error; `code` where the request gives it another status."""
    kind = type(error)
    return {
        **{name: plain(value) for name, value in vars(error).items() if not name.startswith("_")},
        "type": _PREFIX + re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower(),
        "title": (kind.__doc__ or "").partition("\n")[0],
        "status": code or status(error),
        "detail": str(error),
    }


def error_of(problem: Mapping[str, Any]) -> MnemonError:
    """The error that a problem document tells of, of the same class and with the same data."""
    told = dict(problem)
    kind = _class_of(str(told.pop("type", "")))
    title, detail = told.pop("title", ""), told.pop("detail", None)
    code = told.pop("status", None)
    if kind is None:
        return errors.ServerError(f"the server answered {code}: {detail or title}")
    error = kind.__new__(kind, detail)
    error.args = (detail,)  # the classes' own __init__ would write the message anew
    for name, value in told.items():
        setattr(error, name, _data(name, value))
    return error


def _class_of(name: str) -> type[MnemonError] | None:
    if not name.startswith(_PREFIX):
        return None
    written = "".join(part.capitalize() for part in name.removeprefix(_PREFIX).split("-"))
    found = getattr(errors, written, None)
    return found if isinstance(found, type) and issubclass(found, MnemonError) else None


def _data(name: str, value: Any) -> Any:
    if name == "receipt":
        return revive(Receipt, value)
    return tuple(value) if isinstance(value, list) else value
