"""Benchmarks: one harness, tasks and recipes in slots, records that say how they were made.

    from mnemon.bench import run_text, render
    print(render(run_text(limit=20)))

Names load on first use: importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.bench.record import Record
    from mnemon.bench.report import render, save
    from mnemon.bench.scale import run_speed
    from mnemon.bench.text import run_text

_HOMES = {
    "Record": "record",
    "render": "report",
    "run_speed": "scale",
    "run_text": "text",
    "save": "report",
}

__all__ = ["Record", "render", "run_speed", "run_text", "save"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"mnemon.bench.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mnemon.bench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
