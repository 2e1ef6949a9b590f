"""Packages that take seconds to import: only who runs their tests does, not who collects them."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "pytestmark":  # pytest looks for these in a test's file
            raise AttributeError(name)
        return getattr(import_module(self._name), name)
