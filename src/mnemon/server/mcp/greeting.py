"""Answering a client's first message before the SDK is loaded, which takes it a second.

Clients give a server a few seconds to answer, and people wait for it at every start. The answer
to `initialize` (or `server/discover`, since revision 2026-07-28) never depends on the memory, so
it is written here with nothing but `json`; tests compare it with the SDK's own. Whatever is not a
well-formed greeting is left to the SDK.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from mnemon.server.mcp.identity import INSTRUCTIONS, NAME, TITLE, VERSION

# As of the SDK 2.3, in its `mcp_types.version`; a test tells when they differ.
HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
DISCOVERIES = ("2026-07-28",)
_META = "io.modelcontextprotocol/"
_SERVER = {"name": NAME, "title": TITLE, "version": VERSION}


@dataclass(frozen=True, slots=True)
class Greeting:
    """The first line that came in; `pending`: the SDK has to hear it; `said`: its id, if the SDK's
    answer to it must not be sent again."""

    line: bytes
    pending: bool
    said: int | str | None = None


def greet(source: int = 0, target: int = 1) -> Greeting:
    """Read one line from a descriptor and answer it to another, if that can be done at once."""
    line = _line(source)
    request = _request(line)
    if request is None:
        return Greeting(line, pending=bool(line))
    handshake = request["method"] == "initialize"
    result = _initialized(request["params"]) if handshake else _discovered()
    reply = {"jsonrpc": "2.0", "id": request["id"], "result": result}
    _send(target, json.dumps(reply, ensure_ascii=False).encode() + b"\n")
    # The SDK keeps a session from `initialize` on; a discovery leaves nothing behind.
    return Greeting(line, pending=handshake, said=request["id"] if handshake else None)


def _line(source: int) -> bytes:
    # One byte at a time: what comes after the line is for the SDK, and must stay in the pipe.
    line = bytearray()
    while not line.endswith(b"\n") and (more := os.read(source, 1)):
        line += more
    return bytes(line)


def _send(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


def _request(line: bytes) -> dict[str, Any] | None:
    """The line as a greeting that can be answered here, else None."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("jsonrpc") != "2.0":
        return None
    id, params = said.get("id"), said.get("params")
    if type(id) not in (int, str) or not isinstance(params, dict):
        return None
    method = said.get("method")
    if method == "initialize" and _introduces(params):
        return said
    return said if method == "server/discover" and _discovers(params) else None


def _introduces(params: dict[str, Any]) -> bool:
    return (
        isinstance(params.get("protocolVersion"), str)
        and isinstance(params.get("capabilities"), dict)
        and _named(params.get("clientInfo"))
    )


def _discovers(params: dict[str, Any]) -> bool:
    meta = params.get("_meta")
    return (
        isinstance(meta, dict)
        and meta.get(f"{_META}protocolVersion") in DISCOVERIES
        and isinstance(meta.get(f"{_META}clientCapabilities"), dict)
        and _named(meta.get(f"{_META}clientInfo"))
    )


def _named(client: object) -> bool:
    return (
        isinstance(client, dict)
        and isinstance(client.get("name"), str)
        and isinstance(client.get("version"), str)
    )


def _initialized(params: dict[str, Any]) -> dict[str, Any]:
    asked = params["protocolVersion"]
    return {
        "protocolVersion": asked if asked in HANDSHAKES else HANDSHAKES[-1],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": _SERVER,
        "instructions": INSTRUCTIONS,
    }


def _discovered() -> dict[str, Any]:
    return {
        "resultType": "complete",
        "supportedVersions": list(DISCOVERIES),
        "capabilities": {"tools": {"listChanged": False}},
        "instructions": INSTRUCTIONS,
        "cacheScope": "private",
        "ttlMs": 0,
        "_meta": {f"{_META}serverInfo": _SERVER},
    }
