"""Students in which candidates look at each other: `text/rerank/_attending.py` in torch.

As for the ranker (`mnemon.bench.learning`), each piece of evidence competes with what is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnemon.text.rerank import _relations as relations
from mnemon.text.rerank._attending import HEADS, inputs

WIDTH, LAYERS = 32, 2
RATE, DECAY, LISTS = 2e-3, 0.02, 64
DROPPED = (0.1, 0.2, 0.2)
"""Shares of inputs, of hidden units before the layers and within each that a step leaves out."""


@dataclass(frozen=True)
class Best:
    """The first ranker's best [B] of a question: standardised signals [B, S], its scores [B],
    relations [B, B, P], which hold evidence bool [B]."""

    told: np.ndarray
    first: np.ndarray
    related: np.ndarray
    holds: np.ndarray


class Layer(nn.Module):
    """Attention by what candidates are, how they stand to each other, and the first scores."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out, self.up, self.down = (
            nn.Linear(WIDTH, WIDTH) for _ in range(6)
        )
        self.related = nn.Linear(len(relations.NAMES), HEADS, bias=False)
        self.score = nn.Parameter(torch.zeros(HEADS, 1, 1))
        self.dropout = nn.Dropout(DROPPED[2])

    def forward(self, hidden: Tensor, ahead: Tensor, related: Tensor, there: Tensor) -> Tensor:
        query, key, value = (
            part(hidden).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        likely = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
        likely = likely + self.related(related).permute(0, 3, 1, 2)
        likely = likely + ahead[:, None, None] * self.score
        likely = likely.masked_fill(~there[:, None, None], -1e4).softmax(-1)
        hidden = hidden + self.out((likely @ value).transpose(1, 2).flatten(2))
        inner = self.dropout(functional.relu(self.up(hidden)))
        result: Tensor = hidden + self.down(inner)
        return result


class Student(nn.Module):
    """What is added to first scores [L, B]; nothing before it is taught."""

    def __init__(self, signals: int) -> None:
        super().__init__()
        self.dropped = nn.Dropout(DROPPED[0])
        self.opening = nn.Linear(signals + 1, WIDTH)
        self.between = nn.Dropout(DROPPED[1])
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.last = nn.Linear(WIDTH, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, told: Tensor, ahead: Tensor, related: Tensor, there: Tensor) -> Tensor:
        hidden = self.between(functional.relu(self.opening(self.dropped(told))))
        for layer in self.layers:
            hidden = layer(hidden, ahead, related, there)
        found: Tensor = self.last(hidden)[..., 0]
        return found


def taught(
    lists: Sequence[Best], rounds: int, seeds: Sequence[int], device: str = "cpu"
) -> dict[str, np.ndarray]:
    """Weights of several networks, as `Attending` has them. Lists without evidence, or with nothing
    else, teach nothing."""
    chosen = [one for one in lists if one.holds.any() and not one.holds.all()]
    batch = _Padded(chosen, device)
    return _stacked([_taught(batch, rounds, seed) for seed in seeds])


class _Padded:
    """All lists as tensors, the shorter ones filled up."""

    def __init__(self, lists: Sequence[Best], device: str) -> None:
        count, most = len(lists), max(len(one.first) for one in lists)
        width = lists[0].told.shape[1] + 1
        self.told = torch.zeros(count, most, width)
        self.first = torch.zeros(count, most)
        self.related = torch.zeros(count, most, most, len(relations.NAMES), dtype=torch.half)
        self.there = torch.zeros(count, most, dtype=torch.bool)
        self.holds = torch.zeros(count, most, dtype=torch.bool)
        for place, one in enumerate(lists):
            size = len(one.first)
            ahead = one.first - one.first.max()
            self.told[place, :size] = torch.from_numpy(inputs(one.told, ahead))
            self.first[place, :size] = torch.from_numpy(ahead)
            self.related[place, :size, :size] = torch.from_numpy(one.related)
            self.there[place, :size] = True
            self.holds[place, :size] = torch.from_numpy(one.holds)
        for name, part in list(vars(self).items()):
            setattr(self, name, part.to(device))

    def loss(self, student: Student, some: Tensor) -> Tensor:
        there, holds, ahead = self.there[some], self.holds[some], self.first[some]
        shifts = student(self.told[some], ahead, self.related[some].float(), there)
        scores = (ahead + shifts).masked_fill(~there, -1e4)
        others = scores.masked_fill(holds, -1e4).logsumexp(1, keepdim=True)
        lost = functional.softplus(others - scores) * holds
        return (lost.sum(1) / holds.sum(1)).mean()


def _taught(lists: _Padded, rounds: int, seed: int) -> Student:
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    student = Student(lists.told.shape[-1] - 1).to(lists.told.device)
    optimizer = torch.optim.AdamW(student.parameters(), lr=RATE, weight_decay=DECAY)
    count = len(lists.told)
    steps = rounds * -(-count // LISTS)
    step = 0
    for _ in range(rounds):
        for some in torch.randperm(count, generator=random).split(LISTS):
            for group in optimizer.param_groups:
                group["lr"] = RATE * (1.0 - step / steps)
            loss = lists.loss(student, some.to(lists.told.device))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
    return student.eval()


def _stacked(students: Sequence[Student]) -> dict[str, np.ndarray]:
    every = [_weights(student) for student in students]
    return {name: np.stack([one[name] for one in every]) for name in every[0]}


def _weights(student: Student) -> dict[str, np.ndarray]:
    lines = {"in": student.opening, "last": student.last}
    found: dict[str, Tensor] = {}
    for number, layer in enumerate(student.layers):
        for name in ("query", "key", "value", "out", "up", "down"):
            lines[f"{number}.{name}"] = getattr(layer, name)
        found[f"{number}.related"] = layer.related.weight.T
        found[f"{number}.score"] = layer.score
    for name, line in lines.items():
        found[name] = line.weight.T
        found[f"{name}_bias"] = line.bias[None]
    return {name: part.detach().cpu().numpy().copy() for name, part in found.items()}
