"""Paths and children."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder / "memory.db"


@pytest.fixture
def child() -> Callable[..., subprocess.Popen[str]]:
    """Starts `tests/faults/<script>.py` with arguments."""

    def child(script: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / f"{script}.py"), *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    return child
