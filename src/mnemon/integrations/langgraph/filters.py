"""Filters: whether a value is one that `search(filter=…)` asks for.

As LangGraph's own stores compare: equal JSON, or the operators; a mapping without operators asks
inside a mapping. What has no order (a missing field, a text against a number) is neither greater
nor less.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from mnemon.errors import UnknownName
from mnemon.methods import nearest

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_OPERATORS = ("$eq", "$ne", *_ORDERS)


def matches(value: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    """Whether each field of `wanted` is met.

    Raises:
        UnknownName: an operator that there is not.
    """
    return all(_meets(value.get(name), asked) for name, asked in (wanted or {}).items())


def _meets(have: Any, asked: Any) -> bool:
    if isinstance(asked, Mapping):
        if any(str(name).startswith("$") for name in asked):
            return all(_holds(name, have, operand) for name, operand in asked.items())
        return isinstance(have, Mapping) and matches(have, asked)
    if isinstance(asked, list | tuple):
        return (
            isinstance(have, list | tuple)
            and len(have) == len(asked)
            and all(map(_meets, have, asked))
        )
    return bool(have == asked)


def _holds(name: str, have: Any, operand: Any) -> bool:
    if name == "$eq":
        return bool(have == operand)
    if name == "$ne":
        return bool(have != operand)
    if name not in _ORDERS:
        raise UnknownName(f"a filter has no operator {name!r}: {nearest(name, list(_OPERATORS))}")
    left, right = _number(have), _number(operand)
    if left is not None and right is not None:
        return _ORDERS[name](left, right)
    return isinstance(have, str) and isinstance(operand, str) and _ORDERS[name](have, operand)


def _number(value: Any) -> float | None:
    """A number, or the number that a text writes."""
    if not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
