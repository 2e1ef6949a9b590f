"""Learning: a question's turns against all other turns of the conversation.

The loss is the cross-entropy between the softmax over all turns and the turns that hold the answer
(contrastive learning as in Karpukhin et al. 2020, https://arxiv.org/abs/2004.04906), once for the
turns alone and once for each turn with the one before and after it: a search compares both. With a
teacher (`lesson.py`) its judgement is learned beside the labels, and where there are none.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from tune.conversations import Conversation
from tune.lesson import Lesson, apart

QUESTIONS = 48  # of a conversation in one step
WARM = 0.1  # of all steps
BEFORE, AFTER = 0.5, 0.3  # as in `mnemon/text/windows.py`


class Student(Protocol):
    """What is tuned: a torch module that makes unit vectors of turns and of questions."""

    seeds: Sequence[int]
    """One student learns with each, and they are joined."""

    judged: float
    """Where a teacher and labels both tell what answers a question, the teacher's share."""

    sharpness: Tensor
    """Scalar; its exponential multiplies cosines before the softmax."""

    def turns(self, conversation: Conversation) -> Tensor:
        """[N, D]"""
        ...

    def questions(self, conversation: Conversation, chosen: Sequence[int]) -> Tensor:
        """[len(chosen), D]"""
        ...

    def rates(self) -> list[dict[str, Any]]:
        """Groups of parameters with their learning rates, as torch's optimizers take them."""
        ...

    def penalty(self) -> Tensor | float:
        """What is added to the loss, to stay near the model that it began as."""
        ...

    def join(self, others: Sequence[Any]) -> None:
        """Become one with others that learned the same; not called for a single one."""
        ...


def taught(
    fresh: Callable[[], Any],
    conversations: Sequence[Conversation],
    steps: int,
    lesson: Lesson | None = None,
) -> tuple[Any, float]:
    """A student that learned, and its mean loss at the end."""
    first = fresh()
    students = [first, *(fresh() for _ in first.seeds[1:])]
    losses = [
        learn(one, conversations, steps, seed, lesson)
        for one, seed in zip(students, first.seeds, strict=True)
    ]
    if len(students) > 1:
        first.join(students[1:])
    return first, math.fsum(losses) / len(losses)


def learn(
    student: Any,
    taught: Sequence[Conversation],
    steps: int,
    seed: int,
    lesson: Lesson | None = None,
) -> float:
    """Tune a student in place; the mean loss of the last tenth of steps.

    Half of the steps see LoCoMo and half the chats, conversations in proportion to their questions.
    """
    torch.manual_seed(seed)
    draw = random.Random(seed)
    student.train()
    optimizer, slope = _optimizer(student, steps)
    shares = _shares(taught)
    last = []
    for step in range(steps):
        (one,) = draw.choices(taught, shares)
        chosen = draw.sample(range(len(one.questions)), min(QUESTIONS, len(one.questions)))
        loss = _loss(student, one, chosen, lesson)
        total = loss + student.penalty()
        if lesson is not None:
            other = draw.choice(lesson.talk if step % 2 else taught)
            total = total + lesson.elsewhere(student, one, chosen, other, draw)
        total.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        slope.step()
        optimizer.zero_grad()
        if step >= 0.9 * steps:
            last.append(loss.item())
    student.eval()
    return math.fsum(last) / max(1, len(last))


def _optimizer(student: Any, steps: int) -> tuple[Optimizer, LRScheduler]:
    optimizer = AdamW(student.rates(), weight_decay=0.0)
    slope = LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (WARM * steps)) * (1.0 - step / steps)
    )
    return optimizer, slope


def recall(student: Any, one: Conversation, k: int = 10) -> list[float]:
    """Of each question the share of its evidence among the k nearest turns alone."""
    student.eval()
    with torch.no_grad():
        near = student.questions(one, range(len(one.questions))) @ student.turns(one).T
    best = near.topk(min(k, near.shape[1])).indices
    found: list[float] = (one.evidence.gather(1, best).sum(1) / one.evidence.sum(1)).tolist()
    return found


def _shares(taught: Sequence[Conversation]) -> list[float]:
    totals: dict[str, int] = {}
    for one in taught:
        totals[one.group] = totals.get(one.group, 0) + len(one.questions)
    return [len(one.questions) / totals[one.group] for one in taught]


def _loss(student: Any, one: Conversation, chosen: Sequence[int], lesson: Lesson | None) -> Tensor:
    turns, questions = student.turns(one), student.questions(one, chosen)
    target = one.evidence[list(chosen)].float()
    target = target / target.sum(1, keepdim=True)
    sharp = student.sharpness.exp()
    loss = turns.new_zeros(())
    for shown in (lambda turns: turns, lambda turns: _windows(one, turns)):
        near = questions @ shown(turns).T
        told = functional.log_softmax(sharp * near, dim=1)
        part = -(target * told).sum(1).mean()
        if lesson is not None:
            known = lesson.known[one.id]
            judged = apart(near, known.questions[list(chosen)] @ shown(known.turns).T)
            part = (1.0 - student.judged) * part + student.judged * judged
        loss = loss + part
    return loss


def _windows(one: Conversation, turns: Tensor) -> Tensor:
    """Each turn with those beside it, longer ones counting more, [N, D]."""
    sized = functional.pad(turns * (one.lengths[:, None] + 1.0), (0, 0, 0, 1))
    summed = sized[:-1] + BEFORE * sized[one.before] + AFTER * sized[one.after]
    return functional.normalize(summed, dim=-1)
