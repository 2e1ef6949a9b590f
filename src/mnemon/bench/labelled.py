"""Labelled candidates: what a ranker would be given for each question, and what it should say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon.bench.case import Case
from mnemon.bench.learning import Labelled
from mnemon.memory import Memory
from mnemon.store.rows import Filter

if TYPE_CHECKING:
    import numpy as np

    from mnemon.models.embed import Embedder


def labelled(
    case: Case, program: Any, embedder: Embedder | str, *, standing: bool = False
) -> list[Labelled]:
    """The candidates of every question of a conversation, as a search by a program makes them; with
    `standing`, also how they stand to each other.

    In the order of their fusion, at most as many as the ranker reads. Evidence that is no candidate
    is in no list. The program needs the channels `words` and `meaning`, whose scores are signals.
    """
    import numpy as np

    from mnemon.text import program as programs
    from mnemon.text import signals
    from mnemon.text.rerank._relations import Standing
    from mnemon.text.rerank.listnet import ListNet

    with Memory(":memory:", program=program, embedder=embedder) as memory:
        ids = [turn.id for turn in case.turns]
        memory.add([turn.draft for turn in case.turns])
        found = []
        for question in case.questions:
            view, query = memory._searcher.look(question.text, Filter(memory.namespace))
            rankings, fused = programs.candidates(program, view, query)
            chosen = fused.indices[: ListNet.depth]
            told = signals.signals(view, query, rankings, chosen)
            holds = np.asarray([ids[i] in question.evidence for i in chosen], dtype=bool)
            stand = Standing.of(view, chosen) if standing else None
            found.append(Labelled(told, holds, stand))
        return found


def recalls(
    case: Case, lists: Sequence[Labelled], scores: Sequence[np.ndarray] | None, k: int
) -> list[float]:
    """For each question the share of all its evidence among the k best by scores float32 [C].

    None keeps the lists' own order. Evidence that was no candidate counts as not found.
    """
    import numpy as np

    found = []
    for place, (question, one) in enumerate(zip(case.questions, lists, strict=True)):
        holds = one.holds
        if scores is not None:
            holds = holds[np.argsort(-scores[place], kind="stable")]
        found.append(float(holds[:k].sum()) / len(question.evidence))
    return found
