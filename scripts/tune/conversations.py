"""What is learned from: conversations with their questions, as an embedder is given them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnemon import methods
from mnemon.bench import fivefold
from mnemon.bench.case import Case
from mnemon.embedding import without_names
from mnemon.memory import Memory
from mnemon.store.rows import Filter


@dataclass
class Conversation:
    """Turns [N] and questions [Q] without the participants' names, and where the answers are.

    `before` and `after` int [N] are the turns beside each, N where there is none; `lengths` [N] in
    terms; `evidence` bool [Q, N]. `kept` is for whatever a student wants to prepare only once.
    """

    id: str
    group: str
    turns: list[str]
    questions: list[str]
    before: Tensor
    after: Tensor
    lengths: Tensor
    evidence: Tensor
    kept: dict[str, Any] = field(default_factory=dict)


def read(locomo: Path, chats: Path, device: str) -> list[Conversation]:
    """LoCoMo and the written chats; questions without evidence are left out."""
    told = {"locomo": locomo, "chats": chats}
    return [
        _conversation(case, name, device)
        for name, place in told.items()
        for case in methods.load("bench.tasks", name).read(place)
    ]


def held_out(chats: Path, device: str) -> list[Conversation]:
    """Chats that nothing is learned from."""
    cases = methods.load("bench.tasks", "chats").read(chats)
    return [_conversation(case, "held-out", device) for case in cases]


def folds(conversations: Sequence[Conversation]) -> dict[str, int]:
    """Conversation → fold: the same as the ranker's."""
    groups: dict[str, list[str]] = {}
    for one in conversations:
        groups.setdefault(one.group, []).append(one.id)
    return fivefold.assign(list(groups.values()))


def _conversation(case: Case, group: str, device: str) -> Conversation:
    names = sorted({turn.draft.speaker for turn in case.turns if turn.draft.speaker})
    asked = [question for question in case.questions if question.evidence]
    places = {turn.id: place for place, turn in enumerate(case.turns)}
    evidence = torch.zeros(len(asked), len(places), dtype=torch.bool, device=device)
    for number, question in enumerate(asked):
        evidence[number, [places[id] for id in question.evidence]] = True
    with Memory(":memory:") as memory:  # which turns stand beside each other is the store's to say
        memory.add([turn.draft for turn in case.turns])
        view, _ = memory._searcher.look("?", Filter(memory.namespace))
        before, after, lengths = view.before, view.after, view.lengths
    total = len(places)
    return Conversation(
        case.id,
        group,
        [without_names(turn.draft.content, names) for turn in case.turns],
        [without_names(question.text, names) for question in asked],
        torch.tensor(before[:total].tolist(), device=device),
        torch.tensor(after[:total].tolist(), device=device),
        torch.tensor(lengths.tolist(), device=device),
        evidence,
    )
