from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from mnemon.cli.app import mnemon

SMALL = {
    "--model": "nano",
    "--tasks": "niah_single,kv",
    "--policies": "recency,snapkv",
    "--budgets": "0.5,0.25",
    "--samples": "2",
    "--lengths": "256",
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def run() -> Callable[..., Result]:
    """`mnemon bench kv` on the nano model: two tasks, two policies, two budgets, and options."""

    small = [word for option in SMALL.items() for word in option]

    def ran(*options: str) -> Result:
        return CliRunner().invoke(mnemon, ["bench", "kv", *small, *options])

    return ran


@pytest.fixture(scope="session")
def measured(run: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run, without times."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("kv") / "out"
    done = run("--out", str(folder), "--no-speed")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def rows(measured: Path) -> list[dict[str, Any]]:
    """Its rows."""
    return [json.loads(line) for line in (measured / "rows.jsonl").read_text().splitlines()]
