"""Every test here runs over every store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mnemon.store import Store

from .stores import STORES


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Iterator[Store]:
    store = STORES[kind](tmp_path)
    yield store
    assert store.fsck(repair=False) == []
    store.close()


@pytest.fixture
def other(kind: str, tmp_path: Path) -> Iterator[Store]:
    folder = tmp_path / "other"
    folder.mkdir()
    store = STORES[kind](folder)
    yield store
    assert store.fsck(repair=False) == []
    store.close()
