"""The bundled encoder over the static model's rows as a student, and what each piece weighs beside
it in turns and in questions. The rows themselves stay, its own too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from distil.encoder import Encoder
from torch import Tensor, nn
from torch.nn import functional

from mnemon.models import context_model, static_model
from mnemon.models.context_encoder import WINDOW
from mnemon.models.static_sums import MAX_TOKENS
from tune.conversations import Conversation
from tune.static import DROPPED, StaticStudent

ENCODER_RATE = 5e-4


class Windows(NamedTuple):
    """Ids [W, T] of the windows of texts, where they are any, bool [W, T], and whose, int [W]."""

    ids: Tensor
    there: Tensor
    owner: Tensor


class ContextStudent(StaticStudent):
    """Its weights as those of the static student, and the encoder."""

    seeds = (0, 1, 2)
    judged = 0.8

    def __init__(self, device: str = "cpu") -> None:
        super().__init__()
        self.device = device
        self.rows, self.pairs = self.rows.to(device), self.pairs.to(device)
        self.numbers = torch.from_numpy(self.table.numbers).to(device)
        read = context_model.load(None)
        pieces = torch.from_numpy(read.rows.take(np.arange(len(self.rows))))
        self.encoder = Encoder.read(pieces, read.encoder)
        self.encoder.pieces.requires_grad_(False)
        self.taught = torch.from_numpy(read.rows.scales > 0).to(device)
        self.to(device)

    def turns(self, conversation: Conversation) -> Tensor:
        texts = self._windows(conversation, "turns", conversation.turns)
        if "stacked" not in conversation.kept:  # once, not at every step
            conversation.kept["stacked"] = _stacked(texts, self.device)
        told: Windows = conversation.kept["stacked"]
        found = self._meanings(told, len(texts), self.turn_weights, self.pair_weights[0])
        return functional.normalize(found, dim=-1)

    def questions(self, conversation: Conversation, chosen: Sequence[int]) -> Tensor:
        texts = self._windows(conversation, "questions", conversation.questions)
        told = _stacked([texts[place] for place in chosen], self.device)
        found = self._meanings(told, len(chosen), self.question_weights, self.pair_weights[1])
        return functional.normalize(found @ self.turned, dim=-1)

    def rates(self) -> list[dict[str, Any]]:
        encoder = {"params": self.encoder.weights(), "lr": ENCODER_RATE}
        return [*super().rates(), encoder]

    @torch.no_grad()
    def join(self, others: Sequence[ContextStudent]) -> None:
        """Become the mean of several (model soups, Wortsman et al. 2022,
        https://arxiv.org/abs/2203.05482)."""
        every = [dict(one.named_parameters()) for one in (self, *others)]
        for name, own in self.named_parameters():
            own.copy_(torch.stack([one[name] for one in every]).mean(0))

    def write(self, path: Path) -> None:
        """As the run time reads it."""
        context_model.write(path, self.tuning(), self.encoder.written())

    def _windows(
        self, conversation: Conversation, name: str, texts: Sequence[str]
    ) -> list[list[Tensor]]:
        if name not in conversation.kept:
            ids = [self.table.known(text, MAX_TOKENS) for text in texts]
            conversation.kept[name] = [
                [torch.tensor(one[i : i + WINDOW]) for i in range(0, max(1, len(one)), WINDOW)]
                for one in ids
            ]
        found: list[list[Tensor]] = conversation.kept[name]
        return found

    def _meanings(self, told: Windows, count: int, weights: Tensor, pairs: Tensor) -> Tensor:
        there = told.there
        if self.training:
            there = there & (torch.rand(there.shape, device=self.device) > DROPPED)
        rows = self.rows[told.ids] * there[..., None]
        hashed = static_model.hashes(self.numbers[told.ids], len(self.pairs))
        both = functional.pad(
            self.pairs[hashed] * (there[:, 1:] & there[:, :-1])[..., None], (0, 0, 1, 0)
        )
        weighed = (rows * weights.exp()[told.ids][..., None] + both * pairs.exp()).sum(1)
        read = self.encoder.summed(weighed) + self.encoder(told.ids, there & self.taught[told.ids])
        return read.new_zeros(count, read.shape[1]).index_add(0, told.owner, read)


def _stacked(texts: Sequence[list[Tensor]], device: str) -> Windows:
    windows = [window.long() for text in texts for window in text]
    ids = nn.utils.rnn.pad_sequence(windows, batch_first=True)
    lengths = torch.tensor([len(window) for window in windows])
    owner = torch.tensor([number for number, text in enumerate(texts) for _ in text])
    there = torch.arange(ids.shape[1]) < lengths[:, None]
    return Windows(ids.to(device), there.to(device), owner.to(device))
