"""Homes of both kinds, and servers of two machines over one database."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mnemon.cli.app import mnemon
from mnemon.server.homes.home import Home
from mnemon.server.homes.opening import opened

SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture(params=["files", "database"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store with nothing in it."""
    if request.param == "files":
        return str(tmp_path / "a.db")
    database: Callable[..., str] = request.getfixturevalue("database")
    return database()


@pytest.fixture
def again(address: str) -> Iterator[Callable[[], Home]]:
    """Opens the store's home once more, as another process would."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(opened(address))


@pytest.fixture
def home(again: Callable[[], Home]) -> Home:
    return again()


class Machine:
    """A machine with a data folder of its own, on which Mnemon's commands are run."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self._own = {"XDG_DATA_HOME": str(folder)}

    def serves(self, *args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mnemon", "--store", self.url, "serve", "--port", "0"]
        environment = os.environ | self._own | {"PYTHONPATH": str(SOURCE)}
        return subprocess.Popen(
            [*command, *args], env=environment, text=True, stderr=subprocess.PIPE
        )

    def run(self, *args: str) -> str:
        done = CliRunner(env=self._own).invoke(mnemon, ["--store", self.url, *args])
        assert done.exit_code == 0, done.output
        return done.stdout


@pytest.fixture(scope="module")
def url(postgresql: Any) -> str:
    """The address of the module's database."""
    address: str = postgresql.empty("served")
    return address


@pytest.fixture(scope="module")
def machines(url: str, tmp_path_factory: pytest.TempPathFactory) -> list[Machine]:
    return [Machine(url, tmp_path_factory.mktemp(name)) for name in ("one", "two")]


@pytest.fixture(scope="module")
def served(machines: list[Machine]) -> Iterator[list[str]]:
    """The addresses of a server on each machine; the second one carries out jobs."""
    children = [one.serves("--jobs", str(jobs)) for jobs, one in enumerate(machines)]
    lines = [child.stderr.readline() for child in children if child.stderr is not None]
    yield [found[0] for found in (re.search(r"http://\S+:\d+", line) for line in lines) if found]
    for child in children:
        child.kill()
        child.communicate()
