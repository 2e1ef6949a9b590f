"""JSON → values of the vocabulary, by their types: the inverse of `plain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def revive(kind: Any, value: Any) -> Any:
    """A value of a type from what `plain` made of it; fields that the type lacks are passed over,
    so that a newer server can say more."""
    if value is None:
        return None
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        one, *more = [option for option in inner if option is not NoneType]
        return value if more else revive(one, value)
    if origin is tuple:
        each = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(revive(part, one) for part, one in zip(each, value, strict=True))
    if origin is list:
        return [revive(inner[0], one) for one in value]
    if kind is datetime:
        return datetime.fromisoformat(value)
    if is_dataclass(kind):
        return _dataclass(kind, value)
    return value


def _dataclass(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(**{name: revive(hints[name], one) for name, one in value.items() if name in hints})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
