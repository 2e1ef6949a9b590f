"""Numbered migrations of a store: files `migrations/NNNN_name.sql` of its package."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def scripts(package: str) -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration a package has, in order."""
    folder = resources.files(package) / "migrations"
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), name[5:-4], (folder / name).read_text("utf-8")) for name in found]
