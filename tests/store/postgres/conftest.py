"""Stores over one database, as replicas open them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from mnemon.store import Store, open_store


@pytest.fixture
def url(database: Callable[..., str]) -> str:
    return database()


@pytest.fixture
def replica(url: str) -> Iterator[Callable[..., Store]]:
    """Opens the database once more; everything opened is closed at the end."""
    opened: list[Store] = []

    def replica(**options: Any) -> Store:
        opened.append(open_store(url, **options))
        return opened[-1]

    yield replica
    for store in opened:
        store.close()


@pytest.fixture
def store(replica: Callable[..., Store]) -> Iterator[Store]:
    store = replica()
    yield store
    assert store.fsck(repair=False) == []


@pytest.fixture
def plain(url: str) -> Iterator[Callable[..., Any]]:
    """Plain SQL under the application's role: plain(query, tenant=…) gives rows."""

    @contextmanager
    def opened() -> Iterator[Any]:
        with closing(psycopg.connect(url)) as connection:
            yield connection

    def plain(query: str, tenant: int | None = None, whole: bool = False) -> list[Any]:
        with opened() as connection:
            if tenant is not None:
                connection.execute("SELECT set_config('mnemon.tenant', %s, true)", (str(tenant),))
            if whole:
                connection.execute("SET LOCAL mnemon.whole = 'on'")
            found = connection.execute(query)
            rows = found.fetchall() if found.description else []
            connection.commit()
            return rows

    yield plain
