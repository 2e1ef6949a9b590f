"""The SDK's own client at a real server process, and the tools on a desk for what needs no wire."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from mcp import StdioServerParameters
from mcp.client.client import Client

from mnemon.server.mcp.desk import Desk
from mnemon.server.mcp.own import Own
from mnemon.server.mcp.serving import call

SOURCE = Path(__file__).parents[3] / "src"
COMMAND = [sys.executable, "-W", "error", "-m", "mnemon"]


class Wire:
    """A connected client whose calls block."""

    def __init__(self, portal: Any, client: Client) -> None:
        self.portal, self.client = portal, client

    def call(self, tool: str, **arguments: Any) -> Any:
        return self.portal.call(self.client.call_tool, tool, arguments)

    def ask(self, tool: str, **arguments: Any) -> Any:
        """The structured answer of a call that must work."""
        answer = self.call(tool, **arguments)
        assert not answer.is_error, answer.content[0].text
        return answer.structured_content


def environment(store: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MNEMON_")}
    return kept | {"PYTHONPATH": str(SOURCE), "MNEMON_STORE": str(store)}


def parameters(store: Path, *options: str) -> StdioServerParameters:
    command, *args = COMMAND
    return StdioServerParameters(
        command=command, args=[*args, "mcp", *options], env=environment(store)
    )


@contextmanager
def connected(server: Any, mode: str = "legacy") -> Iterator[Wire]:
    with start_blocking_portal() as portal:
        client = Client(server, mode=mode)
        with portal.wrap_async_context_manager(client):
            yield Wire(portal, client)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def http_server(store: Path, *options: str) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        [*COMMAND, "mcp", "--http", "--port", str(port), *options],
        env=environment(store), stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """One stdio session for a module's tests."""
    store = tmp_path_factory.mktemp("wire") / "memory.db"
    with connected(parameters(store, "--namespace", "acme/ana")) as found:
        yield found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    found = Own(str(tmp_path / "memory.db"), "acme/ana")
    yield found
    found.close()


@pytest.fixture
def desk(own: Own) -> Desk:
    return own.desk


@pytest.fixture
def use(desk: Desk) -> Callable[..., Any]:
    """Call a tool in this process; the whole result."""
    return lambda tool, **arguments: call(desk, tool, arguments)
