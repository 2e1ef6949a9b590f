"""The bundled static model as a student: what each piece weighs in turns and in questions, and how
a question's vector is turned. The rows themselves stay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnemon.models import static_model, static_tuning
from mnemon.models.embed.static import MAX_TOKENS
from tune.conversations import Conversation

DROPPED = 0.1  # of a text's tokens, at a step
WEIGHT_DECAY, MAP_DECAY = 1e-4, 2e-2
WEIGHT_RATE, MAP_RATE = 2e-2, 1e-3


class StaticStudent(nn.Module):
    """Weights are kept as logarithms: 0 changes nothing."""

    seeds = (0,)
    judged = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.table = static_model.load(static_model.BUNDLED)
        single, double = self.table.single, self.table.double
        rows = single.take(np.arange(len(single.scales)))
        pairs = double.take(np.arange(len(double.scales)))
        self.rows = torch.from_numpy(rows)
        self.pairs = functional.pad(torch.from_numpy(pairs), (0, rows.shape[1] - pairs.shape[1]))
        self.turn_weights = nn.Parameter(torch.zeros(len(rows)))
        self.question_weights = nn.Parameter(torch.zeros(len(rows)))
        self.pair_weights = nn.Parameter(torch.zeros(2))
        self.turned = nn.Parameter(torch.eye(rows.shape[1]))
        self.sharpness = nn.Parameter(torch.tensor(math.log(20.0)))

    def turns(self, conversation: Conversation) -> Tensor:
        ids = self._ids(conversation, "turns", conversation.turns)
        sums = self._sums(ids, self.turn_weights, self.pair_weights[0])
        return functional.normalize(sums, dim=-1)

    def questions(self, conversation: Conversation, chosen: Sequence[int]) -> Tensor:
        ids = self._ids(conversation, "questions", conversation.questions)
        some = [ids[place] for place in chosen]
        sums = self._sums(some, self.question_weights, self.pair_weights[1])
        return functional.normalize(sums @ self.turned, dim=-1)

    def rates(self) -> list[dict[str, Any]]:
        weights = [self.turn_weights, self.question_weights, self.pair_weights, self.sharpness]
        return [
            {"params": weights, "lr": WEIGHT_RATE},
            {"params": [self.turned], "lr": MAP_RATE},
        ]

    def penalty(self) -> Tensor:
        weights = (self.turn_weights**2).sum() + (self.question_weights**2).sum()
        same = torch.eye(len(self.turned), device=self.turned.device)
        away = ((self.turned - same) ** 2).sum()
        return WEIGHT_DECAY * weights + MAP_DECAY * away

    def write(self, path: Path) -> None:
        """As the run time reads it."""
        static_tuning.write(path, self.tuning())

    @torch.no_grad()
    def tuning(self) -> static_tuning.Tuning:
        """What was learned of weights and of the turn."""
        logarithms = (self.turn_weights, self.question_weights, self.pair_weights)
        weights = [one.exp().cpu().numpy() for one in logarithms]
        return static_tuning.Tuning(*weights, self.turned.cpu().numpy())

    def _ids(self, conversation: Conversation, name: str, texts: Sequence[str]) -> list[list[int]]:
        if name not in conversation.kept:
            conversation.kept[name] = [self.table.known(text, MAX_TOKENS) for text in texts]
        found: list[list[int]] = conversation.kept[name]
        return found

    def _sums(self, texts: Sequence[list[int]], weights: Tensor, pairs: Tensor) -> Tensor:
        ids = nn.utils.rnn.pad_sequence(
            [torch.tensor(text, dtype=torch.long) for text in texts], batch_first=True
        )
        there = torch.zeros(ids.shape)
        for row, text in zip(there, texts, strict=True):
            row[: len(text)] = 1.0
        if self.training:
            there = there * (torch.rand_like(there) > DROPPED)
        sums = torch.einsum("nt,ntd->nd", weights.exp()[ids] * there, self.rows[ids])
        if ids.shape[1] > 1:
            numbers = torch.from_numpy(self.table.numbers)[ids]
            hashed = static_model.hashes(numbers, len(self.pairs))
            both = there[:, 1:] * there[:, :-1] * pairs.exp()
            sums = sums + torch.einsum("nt,ntd->nd", both, self.pairs[hashed])
        return sums
