"""Importing an optional package, or saying how to install it."""

from __future__ import annotations

import importlib
from typing import Any

from mnemon.errors import MissingExtra


def require(module: str, package: str, extra: str) -> Any:
    """The imported module of an optional package.

    Typed `Any` on purpose: the code is type-checked the same with and without the extra installed.

    Raises:
        MissingExtra: the package is not installed; the message has the exact `pip install` line.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # A module missing *inside* the package is a broken install: let its own message through.
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        raise MissingExtra(package, extra) from None
