"""Recording: a request → an entry, on the disk before the answer goes out.

So whatever a caller was told is in the log. What was done when the process was killed before it
answered may be missing there; the store's own journal has it, in the transaction itself.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon.errors import MnemonError
from mnemon.server import failures
from mnemon.server.audit.act import Act
from mnemon.server.audit.entry import drafted
from mnemon.server.audit.log import AuditLog
from mnemon.server.gathered import Gathered

_REFUSALS_A_SECOND = 10.0


class Audited:
    """Writes what changes anything, and what was denied; with `reads`, every call to the memory."""

    def __init__(self, app: ASGIApp, log: AuditLog | None, reads: bool) -> None:
        self._app = app
        # What was done is to be told, whether or not somebody still waits for the answer. One at a
        # time: there is nothing to prepare, and fewer syncs serve more.
        gathered = None if log is None else Gathered(log.append_each, at_once=1, binding=True)
        self._entries = gathered
        self._reads = reads
        self._refusals = _Refusals()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        act = scope["mnemon.act"] = Act()
        if scope["type"] != "http" or self._entries is None:
            await self._app(scope, receive, send)
            return
        written = refused = False

        async def watched(message: Message) -> None:
            nonlocal written, refused
            if message["type"] == "http.response.start" and not written:
                written = True
                try:
                    await self._record(scope, act, message["status"])
                except MnemonError as error:  # what is not in the log is not acknowledged
                    refused = True
                    await failures.of(error)(scope, receive, send)
            if not refused:
                await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if not written:
                await self._record(scope, act, 500)
            raise

    async def _record(self, scope: Scope, act: Act, answered: int) -> None:
        status = act.status(answered)
        denied = status in (401, 403, 429)
        form = scope["method"] == "GET" and not scope["path"].startswith("/v1/")  # of the page
        changes = act.needs in ("write", "forget", "admin") and not form
        if not (denied or changes or (self._reads and (act.needs == "read" or form))):
            return
        more: dict[str, Any] = {}
        if act.who == "nobody" or status == 429:
            left_out = self._refusals.admit()
            if left_out is None:
                return
            more = {"left_out": left_out} if left_out else {}
        act.address(scope.get("path_params", {}))
        outcome = "denied" if denied else "done" if status < 400 else "failed"
        entry = drafted(
            act.who, act.call or _verb(scope), outcome, namespace=act.namespace, ids=act.ids,
            cubes=act.cubes, status=status, request=scope.get("mnemon.request"),
            receipt=act.receipt, detail=act.detail | more,
        )  # fmt: skip
        assert self._entries is not None
        await self._entries.ask(entry)


_NAMED = {"edit": "update", "purge": "forget", "{namespace:path}": "mcp"}


def _verb(scope: Scope) -> str:
    """The call, from the route's template: `add`, `update`, …; never what the address holds."""
    template = getattr(scope.get("route"), "path", None) or ""
    if template.startswith("/v1/"):
        return str(template.removeprefix("/v1/").partition("/")[0])
    last = template.rpartition("/")[2]  # such as /cubes/{id}/edit, of the page
    return str(_NAMED.get(last, last)) or "unknown"


class _Refusals:
    """At most so many entries a second for who has no key or is too fast: a flood of refusals must
    not fill the disk. How many were left out stands in the next one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._room, self._at, self._left_out = _REFUSALS_A_SECOND, time.monotonic(), 0

    def admit(self) -> int | None:
        """How many were left out before this one; None to leave this one out too."""
        with self._lock:
            now = time.monotonic()
            gained = (now - self._at) * _REFUSALS_A_SECOND
            self._room, self._at = min(_REFUSALS_A_SECOND, self._room + gained), now
            if self._room < 1:
                self._left_out += 1
                return None
            self._room -= 1
            told, self._left_out = self._left_out, 0
            return told
