"""The cross-encoder as a student: adapters on the base model, and the head of its scores.

A list is a question's evidence and some of what the ranker puts first without being it. As for the
ranker itself (`mnemon.bench.learning`), each piece of evidence competes with what is none. A second
output is trained beside, which is only kept in training: whether the turn answers at all, which
turns of other conversations and those of a question about the wrong person do not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from mnemon.models import lora
from mnemon.models.cross_encoder import BASE
from mnemon.models.cross_encoder.by_torch import batch, features
from mnemon.models.cross_encoder.head import HEAD
from mnemon.models.cross_encoder.pairs import NOTHING, Pieces
from tune.encoder import RANK, SCALE, adapted, written
from tune.reading import Asked, Conversation

UNITS, DROPPED = 128, 0.1
RATE, HEAD_RATE, DECAY = 4e-4, 1e-3, 0.01
WARM, KEPT = 60, 0.6
"""Steps until the rate is full; from this share of the steps on, weights are averaged."""
QUESTIONS, EVIDENCE, NEAR, FAR, STRANGE = 16, 6, 12, 4, 4
"""Of a step: questions; and of each the most evidence, others of the ranker's best `DEPTH` and of
those behind, turns of another conversation."""
DEPTH = 40


class Student(nn.Module):
    """Scores [P, 2] of pairs: to rank by, and log-odds that the turn answers."""

    def __init__(self, folder: str, device: str) -> None:
        super().__init__()
        self.device = device
        base = adapted(folder, device, 0.0)
        self.model, self.names, self.digest = base.model, base.names, base.digest
        width = self.model.config.hidden_size
        self.near = nn.Parameter(torch.tensor([[8.0, 8.0], [6.0, 6.0]], device=device))
        self.hidden = nn.Linear(3 * width, UNITS, device=device)
        self.dropout = nn.Dropout(DROPPED)
        self.last = nn.Linear(UNITS, 2, device=device)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, pairs: Sequence[Pieces]) -> Tensor:
        ids, parts = (part.to(self.device) for part in batch(pairs))
        half = self.device.startswith("cuda")
        with torch.autocast(self.device.partition(":")[0], torch.bfloat16, enabled=half):
            there = (parts != NOTHING).long()
            output = self.model(input_ids=ids, attention_mask=there).last_hidden_state
        near, rest = features(output.float(), parts)
        inner = self.dropout(functional.gelu(self.hidden(rest)))
        found: Tensor = functional.linear(near, self.near) + self.last(inner)
        return found

    def rates(self) -> list[dict[str, Any]]:
        head = [self.near, *self.hidden.parameters(), *self.last.parameters()]
        own = {id(part) for part in head}
        low_rank = [part for part in self.taught() if id(part) not in own]
        return [
            {"params": low_rank, "lr": RATE, "full": RATE},
            {"params": head, "lr": HEAD_RATE, "full": HEAD_RATE},
        ]

    def taught(self) -> list[nn.Parameter]:
        return [part for part in self.parameters() if part.requires_grad]

    @torch.no_grad()
    def score(self, pairs: Sequence[Pieces], size: int = 512) -> np.ndarray:
        """Scores to rank by, float32 [P]."""
        self.eval()
        order = sorted(range(len(pairs)), key=lambda place: len(pairs[place].ids))
        found = np.zeros(len(pairs), np.float32)
        for start in range(0, len(order), size):
            some = order[start : start + size]
            found[some] = self([pairs[place] for place in some])[:, 0].cpu().numpy()
        return found

    def write(self, path: Path, reading: dict[str, Any]) -> None:
        """As `mnemon.models.cross_encoder` reads it."""
        head = {
            "near.weight": self.near[0],
            "hidden.weight": self.hidden.weight,
            "hidden.bias": self.hidden.bias,
            "last.weight": self.last.weight[:1],
            "last.bias": self.last.bias[:1],
        }
        tensors = written(self.model, self.names) | {
            f"{HEAD}{name}": part.detach().cpu().half().contiguous() for name, part in head.items()
        }
        config = json.dumps(asdict(lora.Config(BASE, self.digest, RANK, SCALE)))
        save_file(tensors, path, metadata={"config": config, "reading": json.dumps(reading)})


@dataclass
class Step:
    """Pairs [P]; whose each is, -1 for a stranger's; which hold evidence, and which answer."""

    pairs: list[Pieces]
    whose: list[int]
    holds: list[bool]
    answers: list[bool]


def taught(
    folder: str, device: str, seen: Sequence[Conversation], rounds: float, seed: int = 0
) -> Student:
    """A student of the questions of some conversations."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    student = Student(folder, device)
    lists = [(one, asked) for one in seen for asked in one.asked if asked.holds.any()]
    size = min(QUESTIONS, len(lists))
    steps = max(1, int(rounds * (len(lists) // size)))
    optimizer = torch.optim.AdamW(student.rates(), weight_decay=DECAY)
    mean: list[Tensor] = []
    averaged = 0
    order: list[int] = []
    student.train()
    for number in range(steps):
        if len(order) < size:
            order = random.permutation(len(lists)).tolist()
        chosen, order = order[:size], order[size:]
        loss = _loss(student, _step([lists[place] for place in chosen], seen, random))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.taught(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = group["full"] * min(1.0, (number + 1) / WARM) * max(
                0.02, 1.0 - number / steps
            )  # fmt: skip
        optimizer.step()
        if number >= KEPT * (steps - 1) and (steps - 1 - number) % 5 == 0:
            averaged += 1
            now = [part.detach().clone() for part in student.taught()]
            mean = [old + (new - old) / averaged for old, new in zip(mean or now, now, strict=True)]
    with torch.no_grad():
        for part, value in zip(student.taught(), mean, strict=True):
            part.copy_(value)
    return student


def _step(
    lists: Sequence[tuple[Conversation, Asked]],
    seen: Sequence[Conversation],
    random: np.random.Generator,
) -> Step:
    step = Step([], [], [], [])
    for number, (own, asked) in enumerate(lists):
        others = asked.order[~asked.holds[asked.order]]
        near, far = others[:DEPTH], others[DEPTH:]
        chosen = [
            *np.flatnonzero(asked.holds)[:EVIDENCE],
            *random.choice(near, min(len(near), NEAR), replace=False),
            *random.choice(far, min(len(far), FAR), replace=False),
        ]
        for place in chosen:
            step.pairs.append(own.pair(asked, int(asked.turns[place])))
            step.whose.append(number)
            step.holds.append(bool(asked.holds[place]))
            step.answers.append(bool(asked.holds[place]) and not asked.wrong)
        stranger = seen[random.integers(len(seen))]
        if stranger is not own:
            likely = np.argsort(-(stranger.vectors @ asked.vector))[: 3 * STRANGE]
            for turn in random.choice(likely, min(len(likely), STRANGE), replace=False):
                step.pairs.append(stranger.pair(asked, int(turn)))
                step.whose.append(-1)
                step.holds.append(False)
                step.answers.append(False)
    return step


def _loss(student: Student, step: Step) -> Tensor:
    scores = student(step.pairs)
    whose, holds, answers = (
        torch.tensor(told, device=student.device) for told in (step.whose, step.holds, step.answers)
    )
    own = whose[None] == torch.arange(int(whose.max()) + 1, device=student.device)[:, None]
    rank = scores[:, 0].expand(len(own), -1)
    others = rank.masked_fill(~(own & ~holds), -1e4).logsumexp(1, keepdim=True)
    right = (own & holds).float()
    listwise = ((functional.softplus(others - rank) * right).sum(1) / right.sum(1)).mean()
    weight = torch.where(answers, 3.0, 1.0)
    told = functional.binary_cross_entropy_with_logits(
        scores[:, 1], answers.float(), reduction="none"
    )
    return listwise + (told * weight).sum() / weight.sum()
