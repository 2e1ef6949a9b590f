"""Real servers: uvicorn in a thread, on a port of its own, over a real file."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpcore2
import httpx2
import pytest
import uvicorn.server

from mnemon.server import serving
from mnemon.server.settings import Settings

SOURCE = Path(__file__).parents[2] / "src"


class _Quicker:
    """`asyncio` as uvicorn sees it here: the tenths of a second that it waits are hundredths."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


@pytest.fixture(autouse=True, scope="session")
def _stops_at_once() -> Iterator[None]:
    """Hundreds of servers are stopped: uvicorn looks ten times a second whether it should."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.server, "asyncio", _Quicker())
        yield


@pytest.fixture(autouse=True, scope="session")
def _certificates_are_read_once() -> Iterator[None]:
    """Each plain request makes a client of its own, which reads them though none is needed."""
    with pytest.MonkeyPatch.context() as patch:
        read = functools.cache(httpcore2.default_ssl_context)
        patch.setattr(httpcore2, "default_ssl_context", read)
        yield


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    """A server's address while it runs."""
    server = serving.server(settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def server_running() -> Callable[[Settings], Any]:
    """`running`, for fixtures of other scopes."""
    return running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "served.db"


@pytest.fixture
def serve(path: Path) -> Iterator[Callable[..., str]]:
    """Starts a server over `path`; its options are those of Settings."""
    with ExitStack() as stack:

        def start(**options: Any) -> str:
            return stack.enter_context(running(Settings(path, port=0, **options)))

        yield start


@pytest.fixture
def url(serve: Callable[..., str]) -> str:
    return serve()


@pytest.fixture(scope="module")
def shared_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared") / "served.db"


@pytest.fixture(scope="module")
def shared(shared_path: Path) -> Iterator[httpx2.Client]:
    """One server for a module's tests that do not get into each other's way."""
    with (
        running(Settings(shared_path, port=0)) as url,
        httpx2.Client(base_url=f"{url}/v1", timeout=30, verify=False) as client,
    ):
        yield client


@pytest.fixture
def http(url: str) -> Iterator[httpx2.Client]:
    """Plain requests to the server, as curl would make them."""
    with httpx2.Client(base_url=f"{url}/v1", timeout=30, verify=False) as client:
        yield client


@pytest.fixture(scope="session")
def problem() -> Callable[..., dict[str, Any]]:
    """Checks that an answer is a problem document, and gives it."""

    def check(answer: httpx2.Response, status: int, type: str) -> dict[str, Any]:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        told: dict[str, Any] = answer.json()
        assert answer.status_code == told["status"] == status, told
        assert told["type"] == type and told["title"] and told["detail"]
        assert "Traceback" not in answer.text
        return told

    return check


@pytest.fixture
def process(path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts `mnemon serve` as a shell would; gives the process and its address."""
    started = []

    def start(*args: str) -> tuple[subprocess.Popen[str], str]:
        child = subprocess.Popen(
            [sys.executable, "-m", "mnemon", "--store", str(path), "serve", "--port", "0", *args],
            env=os.environ | {"PYTHONPATH": str(SOURCE)}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(child)
        line = child.stderr.readline()
        found = re.search(r"http://\S+:\d+", line)
        return child, found[0] if found else line

    yield start
    for child in started:
        child.kill()
        child.communicate()
