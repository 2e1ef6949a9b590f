"""Memories of a file and behind a real server, a namespace of its own for each test."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnemon import Memory
from mnemon.server import serving
from mnemon.server.settings import Settings

from . import scripted

_numbers = itertools.count()


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that all of them share."""
    return tmp_path_factory.mktemp("integrations") / "agents.db"


@pytest.fixture(scope="session")
def url(kept: Path) -> Iterator[str]:
    """A server over it."""
    server = serving.server(Settings(kept, port=0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def opened(request: pytest.FixtureRequest, kept: Path) -> Iterator[Callable[[str], Memory]]:
    """Opens memories by name, "file" or "server", all in one new namespace."""
    namespace, made = f"t{next(_numbers)}", []

    def open_(kind: str) -> Memory:
        path = kept if kind == "file" else request.getfixturevalue("url")
        made.append(Memory(path, namespace=namespace))
        return made[-1]

    yield open_
    for memory in made:
        memory.close()


@pytest.fixture(params=["file", "server"])
def memory(request: pytest.FixtureRequest, opened: Callable[[str], Memory]) -> Memory:
    return opened(request.param)


@pytest.fixture
def local(opened: Callable[[str], Memory]) -> Memory:
    return opened("file")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[scripted.Model]:
    """A scripted model that the OpenAI and Anthropic packages take for the real ones."""
    with scripted.running() as found:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{found.url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", found.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
        yield found
