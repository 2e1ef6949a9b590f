"""Reading a fixture or a variant of it, and telling drafts from what was reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnemon import methods
from mnemon.cube import Draft
from mnemon.importers import History, Malformed

Read = Callable[..., tuple[list[Draft], list[Malformed]]]


@pytest.fixture
def data() -> Path:
    return Path(__file__).parent / "data"


@pytest.fixture
def read() -> Read:
    def read(name: str, path: Path, **options: Any) -> tuple[list[Draft], list[Malformed]]:
        found = list(methods.load("importers", name, **options).read(History(path)))
        drafts = [one for one in found if isinstance(one, Draft)]
        return drafts, [one for one in found if isinstance(one, Malformed)]

    return read


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Writes text, bytes, or anything else as JSON, to a file of the test's own."""

    def write(name: str, value: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, str | bytes):
            path.write_bytes(value.encode() if isinstance(value, str) else value)
        else:
            path.write_text(json.dumps(value))
        return path

    return write
