"""Re-embedding: cubes whose vectors belong to another space than the one that is searched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mnemon.embedding import made, space_of
from mnemon.errors import EmbedderError
from mnemon.schedule.decision import Decision
from mnemon.schedule.live.survey import Survey

if TYPE_CHECKING:
    from mnemon.memory import Memory
    from mnemon.models.embed import Embedder

_MOST = 100_000
"""Missing vectors that are counted."""


def decided(of: Survey, wanted: Embedder | str | None) -> list[Decision[str]]:
    """One decision at most, about the whole store: a store has one space.

    Args:
        wanted: the embedder whose space it shall be; None: the store's own.
    """
    store = of.memory._store
    active = store.active_space()
    if active is None:
        return []
    aim = target(of.memory, wanted)
    space = space_of(of.memory._embedding.embedder if aim is None else made(aim))
    if space.name != active.name:
        count = len(store.missing_vectors(space.name, 0, _MOST))
        return [_moved(of, count, f"vectors are from {active.name}, and shall be {space.name}")]
    missing = len(store.missing_vectors(active.name, 0, _MOST))
    told = f"{missing} versions have no vector in {active.name}"
    return [_moved(of, missing, told)] if missing else []


def target(memory: Memory, wanted: Embedder | str | None) -> Embedder | str | None:
    """Where `Memory.reindex` is to go: None is the store's own, which fills gaps.

    Raises:
        EmbedderError: that is an object of the caller's, who opened the store without it.
    """
    active = memory._store.active_space()
    if wanted is not None or active is None:
        return wanted
    try:
        memory._embedding.embedder  # noqa: B018 - loading it tells whether it still is the one
    except EmbedderError:
        told = json.loads(active.embedder)
        if told is None:
            raise
        # This Mnemon's embedder of that name makes other vectors than the one that made those.
        return str(told["name"])
    return None


def _moved(of: Survey, count: int, reason: str) -> Decision[str]:
    costs = of.costs
    return Decision(
        "re-embed", "", f"{reason}: {count} to embed", 0.0, count * costs.embedding, "embedding",
        count * costs.vector_bytes,
    )  # fmt: skip
