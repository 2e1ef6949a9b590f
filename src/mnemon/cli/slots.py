"""The slots and their methods as the files tell them, read without importing a method."""

from __future__ import annotations

import ast
import inspect
from dataclasses import MISSING, InitVar, fields, is_dataclass
from pathlib import Path
from typing import Any

import mnemon
from mnemon import methods


def summary(slot: str, name: str) -> str:
    """The first line of a method's docstring."""
    file = Path(mnemon.__file__).parent.joinpath(*slot.split("."), f"{name.replace('-', '_')}.py")
    if file.is_file():
        return _first_line(file)
    return (inspect.getdoc(methods.find(slot, name)) or "").partition("\n")[0]


def options(slot: str, name: str) -> dict[str, Any]:
    """A method's options with their defaults; "required" for one without."""
    method = methods.find(slot, name)
    if not is_dataclass(method):
        return {}
    return {field.name: _default(field) for field in fields(method)}


def _default(field: Any) -> Any:
    if isinstance(field.type, InitVar):
        return None
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else "required"


def _first_line(file: Path) -> str:
    told = ast.get_docstring(ast.parse(file.read_text("utf-8")))
    return (told or "").partition("\n")[0]
