"""A real store in a temporary folder, and the command line run on it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mnemon.cli.app import mnemon
from mnemon.server import serving
from mnemon.server.settings import Settings

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "MNEMON_STORE", "MNEMON_NAMESPACE", "MNEMON_PROGRAM", "MNEMON_API_KEY", "NO_COLOR",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def served() -> Callable[[Path], AbstractContextManager[str]]:
    """Serves a store while it is entered; the address."""
    return _served


@contextmanager
def _served(path: Path) -> Iterator[str]:
    server = serving.server(Settings(path, port=0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def run(store: Path) -> Run:
    """Run a command on the store; the first argument is the command."""

    def call(*args: str, stdin: str | bytes | None = None, expect: int = 0) -> Result:
        done = CliRunner().invoke(mnemon, ["--store", str(store), *args], input=stdin)
        assert done.exit_code == expect, done.output
        return done

    return call


@pytest.fixture
def ids(run: Run) -> list[str]:
    """Three cubes: Ana's two and Ben's."""
    first = run("add", "Ana moved to Lisbon in March.", "Ana has a cat.", "--speaker", "Ana")
    second = run("add", "Ben rows on the Alster.", "--speaker", "Ben", "--kind", "fact")
    return [*first.stdout.split(), *second.stdout.split()]


@pytest.fixture
def parsed() -> Callable[[Result], Any]:
    """What a command printed as JSON."""
    return lambda done: json.loads(done.stdout)
