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
        self._environment = os.environ | {"PYTHONPATH": str(SOURCE), "XDG_DATA_HOME": str(folder)}

    def started(self, *args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mnemon", "--store", self.url, *args]
        return subprocess.Popen(
            command, env=self._environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *args: str, expect: int = 0) -> str:
        done = self.started(*args)
        told = "".join(done.communicate())
        assert done.returncode == expect, told
        return told


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
    """The addresses of a server on each machine."""
    children = [one.started("serve", "--port", "0", "--jobs", "0") for one in machines]
    found = [re.search(r"http://\S+:\d+", child.stderr.readline()) for child in children]  # type: ignore[union-attr]
    yield [one[0] for one in found if one is not None]
    for child in children:
        child.kill()
        child.communicate()
