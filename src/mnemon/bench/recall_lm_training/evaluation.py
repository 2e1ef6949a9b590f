"""How well the model in training recalls, on held-out samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mnemon.bench.recall import TASKS, sample
from mnemon.bench.recall_lm_training.model import Llama

_TOKENS = 131_072  # at once
_ENDING = 64  # tokens at a sample's end that hold every answer


def held_out(length: int, count: int) -> Mapping[str, tuple[Tensor, Tensor]]:
    """Tokens and whether they are answers, `[count, length]` each, of every task.

    Their seeds lie far from those that are measured with, so that no choice is made on those.
    """
    return {task: _samples(task, length, count) for task in TASKS}


def _samples(task: str, length: int, count: int) -> tuple[Tensor, Tensor]:
    made = [sample(task, length, 1_000_000 + number) for number in range(count)]
    tokens = torch.tensor([one.prompt() + one.answer for one in made])
    begins = torch.tensor([length - len(one.answer) for one in made])
    return tokens, torch.arange(length) >= begins[:, None]


@torch.no_grad()
def accuracy(model: Llama, held: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, float]:
    """The share of each task's samples with every token of the answer right."""
    return {task: _exact(model, *both) for task, both in held.items()}


def _exact(model: Llama, tokens: Tensor, answers: Tensor) -> float:
    device, length = model.model.norm.weight.device, tokens.shape[1]
    right, at_once = [], max(1, _TOKENS // length)
    for start in range(0, len(tokens), at_once):
        rows = slice(start, start + at_once)
        some = tokens[rows].to(device)
        hidden = model.hidden(some, model.rotary(len(some), length), compiled=False)
        ending = hidden.view(len(some), length, -1)[:, -_ENDING - 1 : -1]
        guessed = model.logits(ending).argmax(-1)
        wrong = (guessed != some[:, -_ENDING:]) & answers[rows, -_ENDING:].to(device)
        right.append((~wrong.any(1)).float().cpu())
    return round(float(np.mean(torch.cat(right).numpy())), 4)
