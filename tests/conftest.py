"""What all tests share: no test may fail for being slow; a database, for those that ask.

`pytest --hypothesis-profile=thorough` tries seven times as many examples.
"""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "mnemon", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=20
)
settings.register_profile("thorough", settings.get_profile("mnemon"), max_examples=150)
settings.load_profile("mnemon")


def pytest_configure() -> None:
    """Also where the environment forbids it, compiled files are kept beside the source: hundreds
    of processes that tests start would compile the package again. One thread of torch and numpy
    each: those of several workers would wait for each other, busily. And what a script starts in
    the background is deaf to Ctrl-C, with all it starts: tests that interrupt would wait for ever.
    """
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Iterator[None]:
    """One more than there are processors: many tests wait for a server, a browser, a process."""
    return (yield) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """A million objects are made and stay until the end: garbage is not looked for among them,
    and less often among what tests make."""
    gc.disable()
    gc.set_threshold(50_000)
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Tests kill processes, never the machine: in this process, nothing need reach the disk."""
    from mnemon.store.sqlite.connection import Connections

    configure = Connections._configure

    def without(self: Connections, connection: sqlite3.Connection) -> None:
        configure(self, connection)
        connection.execute("PRAGMA synchronous = OFF")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connections, "_configure", without)
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _new_stores_are_copied(
    _no_waiting_for_the_disk: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """See blank.py."""
    from .blank import copied

    with copied(tmp_path_factory.mktemp("blank")):
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    """A PostgreSQL server of this process's own (see postgresql.py)."""
    from .postgresql import started

    server = started()
    yield server
    server.close()


@pytest.fixture
def database(postgresql: Any) -> Callable[..., str]:
    """Addresses of empty databases: database(), database("other")."""
    return lambda name="one": postgresql.empty(name)
