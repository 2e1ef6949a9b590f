"""Within: a memory as it is in another of its store's namespaces."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from mnemon.artifacts import Artifacts

if TYPE_CHECKING:
    from mnemon.memory import Memory


def within(memory: Memory, namespace: str | None) -> Memory:
    """The memory whose own namespace is that one, with the artifacts there; it shares all else."""
    scope = memory._scope(namespace)
    if scope == memory.namespace:
        return memory
    other = copy(memory)
    other.namespace = scope
    other.artifacts = Artifacts(memory._store, scope, memory.actor)
    return other
