"""Errors → `application/problem+json`. Never a traceback, never what the caller had sent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from mnemon.errors import (
    InvalidInput,
    InvalidText,
    IssuerFailed,
    KeyRefused,
    MnemonError,
    RateLimited,
    SpaceMoved,
    StoreBusy,
    VersionConflict,
)
from mnemon.methods import nearest
from mnemon.wire import problems

_NO_OBJECT = ("missing", "model_type", "model_attributes_type", "dict_type")
_PLAIN = {"missing": "is needed", "extra_forbidden": "is no parameter of this call"}


class Problem(JSONResponse):
    """A problem document."""

    media_type = problems.MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """The document; what it quotes need not be valid Unicode."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )


def of(error: MnemonError, code: int | None = None) -> Problem:
    """The answer to an error of ours."""
    told = problems.document(error, code)
    headers = {}
    if isinstance(error, StoreBusy | SpaceMoved | IssuerFailed):
        headers["Retry-After"] = "1"
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    if isinstance(error, KeyRefused):
        headers["WWW-Authenticate"] = "Bearer"
    return Problem(told, told["status"], headers)


def plain(code: int, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """The answer to what HTTP itself has a word for."""
    told = {
        "type": "about:blank", "title": HTTPStatus(code).phrase, "status": code, "detail": detail,
    }  # fmt: skip
    return Problem(told, code, dict(headers or {}))


def busy(why: str) -> Problem:
    """The answer to what can be asked again in a moment."""
    return plain(503, f"{why}: ask again in a moment", {"Retry-After": "1"})


def unforeseen() -> Problem:
    """The answer to an error that is a fault of ours."""
    return plain(500, "an error of the server's own; its log has the place")


def register(app: FastAPI) -> None:
    """Give an app its answers to errors."""
    app.add_exception_handler(MnemonError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, MnemonError)
    request.scope["mnemon.error"] = type(error).__name__
    conditional = isinstance(error, VersionConflict) and "if-match" in request.headers
    return of(error, 412 if conditional else None)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = error.errors()
    if told[0]["type"] in _NO_OBJECT and told[0]["loc"] == ("body",):
        return _no_object(request, there=told[0]["type"] != "missing")
    if told[0]["type"] == "json_invalid" and told[0]["loc"][0] == "body":
        where = f"{told[0]['ctx']['error']} at byte {told[0]['loc'][1]}"
        return of(InvalidInput(f"the body is not JSON: {where}"), 400)
    wrong = [_wrong(one, request) for one in told]
    kind = InvalidText if any(_no_text(one) for one in told) else InvalidInput
    first = wrong[0]
    raised = kind(f"{first['where']}: {first['problem']}; see /docs for what this call takes")
    answer = problems.document(raised) | {"errors": wrong}
    return Problem(answer, answer["status"])


def _no_object(request: Request, there: bool) -> Problem:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if there and kind != "application/json":
        told = "the body is not said to be JSON: send the header `Content-Type: application/json`"
        return of(InvalidInput(told), 415)
    return of(InvalidInput("the body is no JSON object: send one; see /docs for what is in it"))


def _no_text(error: Mapping[str, Any]) -> bool:
    return bool(error["type"] == "string_unicode")  # a lone surrogate


def _wrong(error: Mapping[str, Any], request: Request) -> dict[str, str]:
    where = ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])
    problem = _PLAIN.get(error["type"], error["msg"])
    if error["type"] == "extra_forbidden" and len(error["loc"]) == 2:
        known = _parameters(request, error["loc"][0])
        problem += f" ({nearest(str(error['loc'][1]), known)})" if known else ""
    return {"where": where, "problem": problem}


def _parameters(request: Request, place: str) -> list[str]:
    """What a call takes in its body, or in its address."""
    takes = request.scope["route"].dependant
    models = [one.field_info.annotation for one in getattr(takes, f"{place}_params", ())]
    return [name for model in models for name in getattr(model, "model_fields", ())]


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    advice = {404: ": see /docs for the routes", 405: f" with {request.method}: see /docs"}
    where = "there is nothing at this address" if error.status_code == 404 else error.detail
    detail = f"{where}{advice.get(error.status_code, '')}"
    return plain(error.status_code, detail, error.headers)


async def _unforeseen(request: Request, error: Exception) -> Response:
    return unforeseen()  # it is raised again behind the answer, and told in the log
