"""Training the student on the teacher's answers, for a time rather than for a number of steps."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from distil.batches import Batch, Batches, Corpus
from distil.student import Student
from distil.teacher import Directions, Meanings, Teacher

BIGRAMS, DIMENSION, LATE = 32_768, 256, 128
DIRECTION_BATCHES, VALIDATION_BATCHES = 60, 6
TEMPERATURE = 0.05
# Of the cosines of texts, of the cosines of tokens, and of the similarities within a batch.
WEIGHTS = (2.0, 0.5, 1.0)
ROWS_RATE, LAYERS_RATE, LAYERS_DECAY = 3e-3, 2e-3, 0.01
WARM_UP_STEPS = 300
# A row starts at its teacher's answer times this / (this + the piece's frequency) (SIF, Arora et
# al. 2017, https://openreview.net/forum?id=SyK00v5xx).
RARITY = 1e-3
_REPORTS = 16


class Trained(NamedTuple):
    """A student, and in how many steps it came about."""

    student: Student
    steps: int


class Lessons:
    """A teacher, what is kept of it, and the batches it is asked about."""

    def __init__(self, teacher: Teacher, corpus: Corpus, size: int) -> None:
        self._batches = Batches(corpus, size, seed=1)
        self._teacher = teacher
        self.directions = teacher.directions(self._batches, DIRECTION_BATCHES, DIMENSION, LATE)
        apart = Batches(corpus, size, seed=99)
        self._apart = [self._answered(apart.draw()) for _ in range(VALIDATION_BATCHES)]

    def next(self) -> tuple[Batch, Meanings]:
        """A batch and what the student is to answer."""
        return self._answered(self._batches.draw())

    @torch.no_grad()
    def report(self, step: int, student: Student) -> None:
        """Prints the losses on batches drawn apart."""
        found = torch.stack([losses(student, *answered) for answered in self._apart]).mean(0)
        named = zip(("texts", "tokens", "relations"), found.tolist(), strict=True)
        told = ", ".join(f"{name} {loss:.4f}" for name, loss in named)
        print(f"step {step:6}: {told}", flush=True)

    def _answered(self, batch: Batch) -> tuple[Batch, Meanings]:
        return batch, self.directions.cut(self._teacher(batch))


def losses(student: Student, batch: Batch, target: Meanings) -> Tensor:
    """How far off the student is, float32 [3], lower is better: texts, tokens, relations.

    The first two are one minus the mean cosine. The third is the divergence of what each text of
    the batch is similar to: softmax over the others, of the cosine divided by the temperature.
    """
    answer = student(batch)
    texts = 1 - (answer.texts * target.texts).sum(-1).mean()
    tokens = 1 - (answer.tokens * target.tokens).sum(-1)[batch.mask].mean()
    return torch.stack((texts, tokens, divergence(answer.texts, target.texts)))


def divergence(answer: Tensor, target: Tensor) -> Tensor:
    """How differently the texts of a batch are similar to each other: a scalar of unit rows [N, D]
    and those wanted."""
    itself = torch.eye(len(answer), device=answer.device, dtype=torch.bool)
    ours, theirs = (
        (rows @ rows.T / TEMPERATURE).masked_fill(itself, -1e4).log_softmax(-1)
        for rows in (answer, target)
    )
    found: Tensor = functional.kl_div(ours, theirs, log_target=True, reduction="batchmean")
    return found


def speed(step: int, share: float) -> float:
    """What rates are multiplied by when so much of the time is over: warming up, then a cosine."""
    return min(1, step / WARM_UP_STEPS) * (0.5 * (1 + math.cos(math.pi * share)) + 0.01)


def starting(teacher: Teacher, directions: Directions, frequency: Tensor) -> Student:
    """A student that answers each piece alone as the teacher does, and less for frequent ones."""
    alone = teacher.alone(len(frequency)) @ directions.texts
    weights = RARITY / (RARITY + frequency)
    return Student(alone * weights[:, None], BIGRAMS, LATE)


def train(teacher: Teacher, corpus: Corpus, size: int, seconds: float, vocabulary: int) -> Trained:
    """Trains for `seconds` on batches of `size`; how many that are depends on the machine."""
    torch.manual_seed(0)
    lessons = Lessons(teacher, corpus, size)
    student = starting(teacher, lessons.directions, corpus.frequency(vocabulary))
    optimiser = _optimiser(student)
    rates = [group["lr"] for group in optimiser.param_groups]
    weights = torch.tensor(WEIGHTS, device=corpus.device)
    start, step, reported = time.monotonic(), 0, 0
    while (share := (time.monotonic() - start) / seconds) < 1:
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * speed(step, share)
        _step(student, optimiser, weights, *lessons.next())
        step += 1
        if share * _REPORTS >= reported:
            reported += 1
            lessons.report(step, student)
    lessons.report(step, student)
    return Trained(student, step)


def _step(
    student: Student,
    optimiser: torch.optim.Optimizer,
    weights: Tensor,
    batch: Batch,
    target: Meanings,
) -> None:
    on_gpu = batch.ids.is_cuda
    with torch.autocast(batch.ids.device.type, torch.bfloat16, enabled=on_gpu):
        loss = (losses(student, batch, target) * weights).sum()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)


def _optimiser(student: Student) -> torch.optim.Optimizer:
    rows = [student.pieces, student.bigrams]
    layers = [student.out.weight, student.late.weight]
    groups = [
        {"params": rows, "lr": ROWS_RATE, "weight_decay": 0.0},
        {"params": layers, "lr": LAYERS_RATE, "weight_decay": LAYERS_DECAY},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))
