"""Re-embedding: cubes whose vectors belong to another space than the one that is searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.embedding import made, space_of
from mnemon.errors import EmbedderError
from mnemon.schedule.decision import Decision
from mnemon.schedule.live.survey import Survey

if TYPE_CHECKING:
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
    try:
        space = space_of(of.memory._embedding.embedder if wanted is None else made(wanted))
    except EmbedderError as error:
        # Its embedder is no longer what it was, and only a move mends that; or it is the caller's
        # own, which he must bring.
        if active.embedder == "null":
            raise
        return [_moved(of, store.size()["versions"], str(error).partition(":")[0])]
    if space.name != active.name:
        count = len(store.missing_vectors(space.name, 0, _MOST))
        return [_moved(of, count, f"vectors are from {active.name}, and shall be {space.name}")]
    missing = len(store.missing_vectors(active.name, 0, _MOST))
    told = f"{missing} versions have no vector in {active.name}"
    return [_moved(of, missing, told)] if missing else []


def _moved(of: Survey, count: int, reason: str) -> Decision[str]:
    costs = of.costs
    return Decision(
        "re-embed", "", f"{reason}: {count} to embed", 0.0, count * costs.embedding, "embedding",
        count * costs.vector_bytes,
    )  # fmt: skip
