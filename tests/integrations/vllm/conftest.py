"""The connector over the stand-in for vLLM, and engines that use it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from . import published
from .engine import Engine, config


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def connector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The class, imported as vLLM imports it: by its module's path."""
    import importlib

    for name, module in published.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    ours = [name for name in sys.modules if name.startswith("mnemon.integrations.vllm")]
    for name in ours:
        monkeypatch.delitem(sys.modules, name)
    yield importlib.import_module("mnemon.integrations.vllm.connector").MnemonConnector
    for name in [name for name in sys.modules if name.startswith("mnemon.integrations.vllm")]:
        del sys.modules[name]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return tmp_path / "kv"


@pytest.fixture
def started(connector: Any, disk: Path) -> Iterator[Callable[..., Engine]]:
    """Starts engines, each as if in processes of its own, over one folder."""
    made: list[Engine] = []

    def start(
        layout: str = "two first", extra: dict[str, Any] | None = None, **told: Any
    ) -> Engine:
        made.append(Engine(connector, config({"disk": str(disk), **(extra or {})}, **told), layout))
        return made[-1]

    yield start
    for one in made:
        one.close()
