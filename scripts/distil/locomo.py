"""How many evidence turns of LoCoMo a model finds by the cosine of vectors, and by nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mnemon import methods
from mnemon.bench.case import Case
from mnemon.models.embed.static import StaticEmbedder

RETURNED = 10


def recall(folder: Path, data: Path) -> float:
    """Mean share of a question's evidence turns among the ten turns nearest to it.

    Participants' names are taken out of turns and questions, or they would decide what is near.
    The adversarial questions do not count: their answer is not in the conversation.
    """
    embedder = StaticEmbedder(folder=str(folder))
    shares: list[float] = []
    for case in methods.load("bench.tasks", "locomo").read(data):
        shares += _shares(embedder, case)
    return float(np.mean(shares))


def _shares(embedder: StaticEmbedder, case: Case) -> list[float]:
    speakers = {re.escape(turn.draft.speaker) for turn in case.turns if turn.draft.speaker}
    names = re.compile(rf"\b({'|'.join(sorted(speakers))})(['’]s)?\b", re.IGNORECASE)
    ids = [turn.id for turn in case.turns]
    turns = embedder.embed([names.sub("", turn.draft.content) for turn in case.turns])
    questions = [one for one in case.questions if one.category != "adversarial"]
    scores = embedder.embed([names.sub("", one.text) for one in questions]) @ turns.T
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, :RETURNED]
    return [
        len({ids[place] for place in row} & {*question.evidence}) / len(question.evidence)
        for row, question in zip(nearest.tolist(), questions, strict=True)
    ]
