"""Values: a JSON object ↔ a cube. Its words are the cube's text; the object itself, as JSON text,
is in the metadata, so that every store gives back exactly what it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from langgraph.store.base import PutOp, get_text_at_path

from mnemon.cube import Draft, MemCube, Policy
from mnemon.errors import InvalidInput
from mnemon.instant import from_micros, now_micros, parse
from mnemon.integrations.langgraph.labels import quoted, unquoted
from mnemon.integrations.wording import searchable

FOUND, UNINDEXED = "item", "unindexed"
"""Kinds of cubes: those that a query finds, and those put with `index=False`."""

KINDS = (FOUND, UNINDEXED)

SLACK = 0.1
"""An item lives up to this share longer than its TTL: a read need not write it again each time."""


def identity(namespace: Sequence[str], key: str) -> str:
    """What tells an item from all others of a store. It is its cube's session too: a conversation
    of its own, whose words no other item borrows."""
    return f"{'/'.join(map(quoted, namespace))} {quoted(key)}"


def key_of(cube: MemCube) -> str:
    """The key of an item."""
    return unquoted((cube.session or "").rpartition(" ")[2])


def value_of(cube: MemCube) -> dict[str, Any]:
    """The value of an item."""
    found: dict[str, Any] = json.loads(cube.metadata["value"])
    return found


def updated_at(cube: MemCube) -> datetime:
    """When the item was last put."""
    told = cube.metadata.get("updated_at")
    return max(parse(told) if told else cube.recorded_at, cube.valid_from)


def draft(op: PutOp, fields: Sequence[str] | None) -> Draft:
    """The cube that a put makes.

    Raises:
        InvalidInput: the value cannot be written as JSON.
    """
    assert op.value is not None
    try:
        written = json.dumps(dict(op.value))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the value of {op.key!r} in {op.namespace} cannot be written as JSON: {error}"
        ) from error
    text = searchable(_text(json.loads(written), fields if op.index is None else op.index), "")
    return Draft(
        text or "(not indexed)",
        kind=FOUND if text else UNINDEXED,
        session=identity(op.namespace, op.key),
        key=identity(op.namespace, op.key),
        metadata={"value": written, **({} if op.ttl is None else {"ttl": op.ttl})},
        policy=lasting(op.ttl),
        producer="integration:langgraph",
    )


def lasting(ttl: float | None) -> Policy:
    """A policy that keeps a cube for `ttl` minutes and the slack."""
    if ttl is None:
        return Policy()
    return Policy(retain_until=_now() + timedelta(minutes=ttl * (1 + SLACK)))


def expired(cube: MemCube) -> bool:
    """Whether its time is over."""
    until = cube.policy.retain_until
    return until is not None and until <= _now()


def fading(cube: MemCube) -> bool:
    """Whether a read now should make it last longer."""
    until, ttl = cube.policy.retain_until, cube.metadata.get("ttl")
    return until is not None and ttl is not None and until < _now() + timedelta(minutes=ttl)


def _now() -> datetime:
    return from_micros(now_micros())


def _text(value: Mapping[str, Any], index: Sequence[str] | bool | None) -> str:
    if index is False:
        return ""
    if index is None or index is True or list(index) == ["$"]:
        leaves = list(_leaves(value, ()))
        if len(leaves) == 1:
            return leaves[0][1]
        return "\n".join(f"{' '.join(where)}: {text}" for where, text in leaves)
    return "\n".join(text for path in index for text in get_text_at_path(dict(value), path))


def _leaves(value: Any, where: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """(names on the way, text) of all that is neither empty nor a container."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*where, name.replace("_", " ")))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, where)
    elif value is not None and str(value).strip():
        yield where, str(value)
