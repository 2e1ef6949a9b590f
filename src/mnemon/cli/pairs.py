"""`key=value` arguments → a mapping."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from mnemon.errors import InvalidInput


def parse(pairs: Iterable[str]) -> dict[str, Any]:
    """Values that are JSON are read as JSON (`true`, `3`, `["a"]`), others are text.

    Raises:
        InvalidInput: one has no `=`, or a key comes twice.
    """
    found: dict[str, Any] = {}
    for key, value in _split(pairs).items():
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _split(pairs: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise InvalidInput(f"{pair!r} is no KEY=VALUE")
        if key in found:
            raise InvalidInput(f"{key!r} is given twice")
        found[key] = value
    return found


def options(slot: str, name: str, pairs: Iterable[str]) -> dict[str, Any]:
    """The options of a method; one whose field is text stays text (`sample=26`).

    Raises:
        InvalidInput: see `parse`.
        UnknownName: no such method.
    """
    from mnemon import methods

    raw = _split(pairs)
    method = methods.find(slot, name)
    known = fields(method) if is_dataclass(method) else ()
    textual = {field.name for field in known if str(field.type) in ("str", "str | None")}
    return {key: raw[key] if key in textual else value for key, value in parse(pairs).items()}
