"""One line of JSON for each request and each job: what was asked, never with which words.

The route's template stands for the address, since ids, filters and queries may tell of people.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon.errors import MnemonError
from mnemon.job import Job
from mnemon.server import failures

log = logging.getLogger("mnemon.server")


class AsJSON(logging.Formatter):
    """What parts below the server tell, as lines like the others."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        level = record.levelname.lower()
        return json.dumps({"level": level, "at": at, "message": record.getMessage()})


class Logged:
    """Writes the line, and answers what nobody foresaw with a plain 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, told = time.perf_counter(), {"status": 0, "bytes": 0}

        def watched(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
            else:
                told["bytes"] += len(message.get("body", b""))
            return send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the edge: reported here, answered with a 500
            scope["mnemon.error"] = type(error).__name__
            scope["mnemon.trace"] = _places(error)
            if not told["status"]:
                await _answer(error)(scope, receive, watched)
        finally:
            _write(scope, told, time.perf_counter() - begun)


def told_of(scope: Scope, error: Exception) -> None:
    """Tell the line of a request which error there was, and where, if nobody foresaw it."""
    scope["mnemon.error"] = type(error).__name__
    if not isinstance(error, MnemonError):
        scope["mnemon.trace"] = _places(error)


def job(left: Job[Any]) -> None:
    """Write the line of a job as it was left."""
    ended, begun = left.finished_at or datetime.now(UTC), left.started_at or left.created_at
    line = {
        "at": ended.isoformat(timespec="milliseconds"), "job": left.id, "call": left.call,
        "state": left.state, "attempts": left.attempts,
        "ms": round((ended - begun).total_seconds() * 1000, 1),
    }  # fmt: skip
    if left.error is not None:
        line["error"] = left.error["type"]
    level = logging.ERROR if left.state == "dead" else logging.INFO
    log.log(level, json.dumps({"level": logging.getLevelName(level).lower(), **line}))


def _answer(error: Exception) -> failures.Problem:
    if isinstance(error, MnemonError):  # raised before a route was reached
        return failures.of(error)
    return failures.unforeseen()


def _write(scope: Scope, told: dict[str, int], seconds: float) -> None:
    failed = told["status"] >= 500
    line: dict[str, Any] = {
        "level": "error" if failed else "info",
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "method": scope["method"],
        "route": getattr(scope.get("route"), "path", None),
        **told,
        "ms": round(seconds * 1000, 1),
        "key": scope.get("mnemon.key"),
        "request": scope.get("mnemon.request"),
    }
    for name in ("error", "trace"):
        if f"mnemon.{name}" in scope:
            line[name] = scope[f"mnemon.{name}"]
    level = logging.ERROR if failed else logging.INFO
    if log.isEnabledFor(level):
        # Not by `log.log`: it looks through the stack for the line that called it.
        text = orjson.dumps(line).decode()
        log.handle(log.makeRecord(log.name, level, __file__, 0, text, (), None))


def _places(error: BaseException) -> list[str]:
    # Files and lines only: an exception's message may quote what was remembered.
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
