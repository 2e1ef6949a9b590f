"""What a cross-encoder learns from: conversations in word-pieces, and the ranker's candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnemon.bench.case import Case
from mnemon.bench.recipes.mnemon import Mnemon
from mnemon.memory import Memory
from mnemon.models.cross_encoder.pairs import LONGEST, Pieces, joined, spoken
from mnemon.store.rows import Filter
from mnemon.text import program as programs
from mnemon.text import signals
from mnemon.text.programs.fused import Fused
from mnemon.text.rerank._calibration import CONTEXT
from mnemon.text.rerank.listnet import ListNet, Network

_CONTEXT = [signals.NAMES.index(name) for name in CONTEXT]


@dataclass
class Asked:
    """A question: its pieces and vector [D]; the turns [C] that are its candidates, which of them
    hold evidence, the learned ranker's scores [C] and the signals [C, S] that calibrate them; how
    much evidence there is in all; whether it is wrong about who did it."""

    pieces: list[int]
    vector: np.ndarray
    turns: np.ndarray
    holds: np.ndarray
    scores: np.ndarray
    told: np.ndarray
    evidence: int
    wrong: bool

    @property
    def order(self) -> np.ndarray:
        """Candidates by the learned ranker."""
        return np.argsort(-self.scores, kind="stable")


@dataclass
class Conversation:
    """Turns [N] in pieces, those beside each (N where there is none), vectors [N, D]."""

    id: str
    turns: list[list[int]]
    before: np.ndarray
    after: np.ndarray
    vectors: np.ndarray
    asked: list[Asked]
    marks: tuple[int, int]

    def pair(self, asked: Asked, turn: int) -> Pieces:
        """A question of this or another conversation with one of its turns."""
        beside = (
            self.turns[place][: LONGEST["beside"]] if place < len(self.turns) else []
            for place in (self.before[turn], self.after[turn])
        )
        return joined(self.marks, asked.pieces, self.turns[turn][: LONGEST["turn"]], *beside)


def read(case: Case, recipe: Mnemon, fold: int, network: Network, tokenizer: Any) -> Conversation:
    """A conversation as the embedder of its own fold and the ranker of that fold see it."""

    def cut(text: str, most: int) -> list[int]:
        told = tokenizer(text, add_special_tokens=False, truncation=True, max_length=most)
        return list(told["input_ids"])

    said = [spoken(turn.draft.speaker, turn.draft.content) for turn in case.turns]
    with Memory(":memory:", program="fused", embedder=recipe.of_fold(fold)) as memory:
        memory.add([turn.draft for turn in case.turns])
        view, _ = memory._searcher.look("?", Filter(memory.namespace))
        asked = list(_asked(case, memory, network, lambda text: cut(text, LONGEST["question"])))
        total = len(case.turns)
        vectors = view.vectors
        assert vectors is not None
        return Conversation(
            case.id,
            [cut(text, LONGEST["turn"]) for text in said],
            view.before[:total].copy(),
            view.after[:total].copy(),
            vectors[:total].copy(),
            asked,
            (tokenizer.cls_token_id, tokenizer.sep_token_id),
        )


def _asked(case: Case, memory: Memory, network: Network, cut: Any) -> Iterator[Asked]:
    ids = [turn.id for turn in case.turns]
    for question in case.questions:
        view, query = memory._searcher.look(question.text, Filter(memory.namespace))
        rankings, fused = programs.candidates(Fused(), view, query)
        chosen = fused.indices[: ListNet.depth]
        if not len(chosen) or query.vector is None:
            continue
        told = signals.signals(view, query, rankings, chosen)
        yield Asked(
            cut(question.text),
            query.vector,
            chosen,
            np.asarray([ids[turn] in question.evidence for turn in chosen], dtype=bool),
            network.scores(told),
            told[:, _CONTEXT],
            len(question.evidence),
            question.category == "adversarial",
        )
