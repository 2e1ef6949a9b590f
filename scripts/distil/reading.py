"""Training the encoder that reads a static model's rows, on the teacher's answers."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from distil.batches import Batch, Batches, Corpus
from distil.encoder import Encoder
from distil.teacher import Teacher, unit
from distil.tokens import Tokens
from distil.training import divergence, speed
from mnemon.models import static_model

ALIGNED_BATCHES, VALIDATION_BATCHES = 60, 6
# Of the cosines of texts, and of the similarities within a batch.
WEIGHTS = (2.0, 1.0)
ROWS_RATE, RATE, DECAY = 1.6e-2, 1.5e-3, 0.01
ANSWERING = 0.5  # of the time, in which teachers are asked
JOINED = 0.3  # of the batches
FEWEST = 8  # times that a piece is in the texts, or the encoder passes over it
SCALE = 20  # of the static rows where the encoder's begin
_REPORTS = 12


class Rows(nn.Module):
    """The rows of a written static model by the teacher's ids: they stay as they are."""

    def __init__(self, table: static_model.Table, tokens: Tokens, device: torch.device) -> None:
        super().__init__()
        single = table.single.take(np.arange(len(table.single.scales)))
        pairs = torch.from_numpy(table.double.take(np.arange(len(table.double.scales))))
        pieces = torch.zeros(tokens.size, single.shape[1])
        pieces[torch.from_numpy(table.numbers)] = torch.from_numpy(single)
        self.pieces = pieces.to(device)
        self.pairs = functional.pad(pairs, (0, single.shape[1] - pairs.shape[1])).to(device)
        self.unknown = tokens.unknown

    def forward(self, batch: Batch) -> Tensor:
        """The row of each token with that of the bigram it ends, [N, T, D]; zero where none is."""
        pairs = self.pairs[static_model.hashes(batch.ids, len(self.pairs))]
        rows = self.pieces[batch.ids] + functional.pad(pairs, (0, 0, 1, 0))
        found: Tensor = rows * batch.mask[..., None]
        return found


class Trained(NamedTuple):
    """An encoder, in how many steps it came about, and what it lost at the end."""

    encoder: Encoder
    steps: int
    losses: tuple[float, float]


class Answered(NamedTuple):
    """A batch and what teachers say of its texts: their unit vectors side by side, [N, W]."""

    batch: Batch
    texts: Tensor

    def kept(self) -> Answered:
        """In half of the memory."""
        return Answered(Batch(self.batch.ids.int(), self.batch.mask), self.texts.half())

    def again(self) -> Answered:
        """The inverse of `kept`, but for rounding."""
        return Answered(Batch(self.batch.ids.long(), self.batch.mask), self.texts.float())


class Lessons:
    """Batches with teachers' answers: two texts are as similar as they think on average.

    An answer costs more than learning from it: those of the first part of the time are kept, and
    repeated at random afterwards. `turn` is the orthonormal [W, D] that brings them nearest to the
    sums of rows.
    """

    def __init__(self, teachers: Sequence[Teacher], rows: Rows, corpus: Corpus, size: int) -> None:
        self._teachers, self._rows = teachers, rows
        self._batches = Batches(corpus, size, seed=1, joined=JOINED)
        self.turn = self._aligned()
        apart = Batches(corpus, size, seed=99, joined=JOINED)
        self._apart = [self._answered(apart.draw()) for _ in range(VALIDATION_BATCHES)]
        self._kept: list[Answered] = []
        self._dice = random.Random(1)

    def next(self, share: float) -> Answered:
        """A batch with answers, when so much of the time is over."""
        if share >= ANSWERING:
            return self._dice.choice(self._kept).again()
        found = self._answered(self._batches.draw())
        self._kept.append(found.kept())
        return found

    @torch.no_grad()
    def losses(self, encoder: Encoder) -> tuple[float, float]:
        """Those of batches drawn apart: texts, relations."""
        found = [losses(encoder, self._rows, one, self.turn) for one in self._apart]
        texts, relations = torch.stack(found).mean(0).tolist()
        return texts, relations

    def _answered(self, batch: Batch) -> Answered:
        texts = torch.cat([teacher(batch).texts for teacher in self._teachers], dim=-1)
        return Answered(batch, unit(texts))

    @torch.no_grad()
    def _aligned(self) -> Tensor:
        """`turn` (Schönemann 1966, https://doi.org/10.1007/BF02289451)."""
        products = []
        for _ in range(ALIGNED_BATCHES):
            batch = self._batches.draw()
            sums = unit(self._rows(batch).sum(1))
            products.append(self._answered(batch).texts.double().T @ sums.double())
        left, _, right = torch.linalg.svd(torch.stack(products).sum(0), full_matrices=False)
        found: Tensor = (left @ right).float()
        return found


def losses(encoder: Encoder, rows: Rows, told: Answered, turn: Tensor) -> Tensor:
    """How far off the encoder is, float32 [2], lower is better: texts, relations.

    The first is one minus the mean cosine with what teachers say, turned; the second as in
    `distil.training.losses`, where they say it.
    """
    batch = told.batch
    known = batch.mask & (batch.ids != rows.unknown)
    answer = unit((encoder.summed(rows(batch).sum(1)) + encoder(batch.ids, known)).float())
    texts = 1 - (answer * unit(told.texts @ turn)).sum(-1).mean()
    return torch.stack((texts, divergence(answer, told.texts)))


def train(
    teachers: Sequence[Teacher], rows: Rows, corpus: Corpus, size: int, seconds: float
) -> Trained:
    """Trains for `seconds` on batches of `size`; how many that are depends on the machine."""
    torch.manual_seed(0)
    lessons = Lessons(teachers, rows, corpus, size)
    encoder = Encoder(rows.pieces * SCALE, rows.pieces.shape[1]).to(corpus.device)
    optimiser = _optimiser(encoder)
    rates = [group["lr"] for group in optimiser.param_groups]
    weights = torch.tensor(WEIGHTS, device=corpus.device)
    start, step, reported = time.monotonic(), 0, 0
    while (share := (time.monotonic() - start) / seconds) < 1:
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * speed(step, share)
        told = lessons.next(share)
        with torch.autocast(corpus.device.type, torch.bfloat16, enabled=told.texts.is_cuda):
            loss = (losses(encoder, rows, told, lessons.turn) * weights).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(encoder.weights(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        if share * _REPORTS >= reported:
            reported += 1
            _tell(step, lessons.losses(encoder))
    lost = lessons.losses(encoder)
    _tell(step, lost)
    return Trained(encoder, step, lost)


def _optimiser(encoder: Encoder) -> torch.optim.Optimizer:
    groups = [
        {"params": encoder.weights(), "lr": RATE, "weight_decay": DECAY},
        {"params": [encoder.pieces], "lr": ROWS_RATE, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


def _tell(step: int, found: tuple[float, float]) -> None:
    print(f"step {step:6}: texts {found[0]:.4f}, relations {found[1]:.4f}", flush=True)
