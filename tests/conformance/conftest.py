"""Every test here runs over every store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mnemon.store import Store

from .stores import STORES, Place


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def store(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    yield from made(kind, tmp_path, request, "one")


@pytest.fixture
def other(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    folder = tmp_path / "other"
    folder.mkdir()
    yield from made(kind, folder, request, "other")


def made(kind: str, folder: Path, request: pytest.FixtureRequest, name: str) -> Iterator[Store]:
    """A store of a kind; the server is started only for those that need one."""
    place = Place(folder, lambda: request.getfixturevalue("database")(name))
    store = STORES[kind](place)
    yield store
    assert store.fsck(repair=False) == []
    store.close()
