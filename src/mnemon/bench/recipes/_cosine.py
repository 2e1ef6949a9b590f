"""Turns by cosine of their vectors with the question's, exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mnemon.bench.case import Turn, line
from mnemon.models.embed import Embedder


def by_cosine(turns: Sequence[Turn], embedder: Embedder) -> Callable[[str, int], list[str]]:
    """(question, k) → ids, best first; every turn has some cosine, so k of them."""
    ids = [turn.id for turn in turns]
    vectors = embedder.embed([line(turn) for turn in turns])

    def order(question: str, k: int) -> list[str]:
        cosine = vectors @ embedder.embed_query(question)
        return [ids[place] for place in np.argsort(-cosine, kind="stable")[:k].tolist()]

    return order
