"""What all tests share: no test may fail for being slow; a database, for those that ask.

`pytest --hypothesis-profile=thorough` tries five times as many examples.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "mnemon", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=30
)
settings.register_profile("thorough", settings.get_profile("mnemon"), max_examples=150)
settings.load_profile("mnemon")


@pytest.fixture(scope="session", autouse=True)
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where Python may not write compiled files beside the source, the hundreds of processes that
    tests start share a folder of them."""
    if not sys.dont_write_bytecode:
        yield
        return
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        environment.setenv("PYTHONPYCACHEPREFIX", str(folder / "compiled"))
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
