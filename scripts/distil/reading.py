"""Training the encoder that reads a static model's rows, on the teacher's answers."""

from __future__ import annotations

import time
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


class Lessons:
    """A teacher, whose answers are turned towards where the sums of rows lie."""

    def __init__(self, teacher: Teacher, rows: Rows, corpus: Corpus, size: int) -> None:
        self._teacher, self._rows = teacher, rows
        self._batches = Batches(corpus, size, seed=1)
        self._turn = self._aligned()
        apart = Batches(corpus, size, seed=99)
        self._apart = [self._answered(apart.draw()) for _ in range(VALIDATION_BATCHES)]

    def next(self) -> tuple[Batch, Tensor]:
        """A batch and the vectors [N, D] that are to be answered."""
        return self._answered(self._batches.draw())

    @torch.no_grad()
    def losses(self, encoder: Encoder) -> tuple[float, float]:
        """Those of batches drawn apart: texts, relations."""
        found = [losses(encoder, self._rows, *answered) for answered in self._apart]
        texts, relations = torch.stack(found).mean(0).tolist()
        return texts, relations

    def _answered(self, batch: Batch) -> tuple[Batch, Tensor]:
        return batch, unit(self._teacher(batch).texts @ self._turn)

    @torch.no_grad()
    def _aligned(self) -> Tensor:
        """The orthonormal [W, D] that brings answers nearest to the sums of rows (Schönemann 1966,
        https://doi.org/10.1007/BF02289451)."""
        products = []
        for _ in range(ALIGNED_BATCHES):
            batch = self._batches.draw()
            sums = unit(self._rows(batch).sum(1))
            products.append(self._teacher(batch).texts.double().T @ sums.double())
        left, _, right = torch.linalg.svd(torch.stack(products).sum(0), full_matrices=False)
        found: Tensor = (left @ right).float()
        return found


def losses(encoder: Encoder, rows: Rows, batch: Batch, target: Tensor) -> Tensor:
    """How far off the encoder is, float32 [2], lower is better: texts, relations.

    The first is one minus the mean cosine, the second as in `distil.training.losses`.
    """
    known = batch.mask & (batch.ids != rows.unknown)
    answer = unit((encoder.summed(rows(batch).sum(1)) + encoder(batch.ids, known)).float())
    texts = 1 - (answer * target).sum(-1).mean()
    return torch.stack((texts, divergence(answer, target)))


def train(teacher: Teacher, rows: Rows, corpus: Corpus, size: int, seconds: float) -> Trained:
    """Trains for `seconds` on batches of `size`; how many that are depends on the machine."""
    torch.manual_seed(0)
    lessons = Lessons(teacher, rows, corpus, size)
    encoder = Encoder(rows.pieces * SCALE, rows.pieces.shape[1]).to(corpus.device)
    optimiser = _optimiser(encoder)
    rates = [group["lr"] for group in optimiser.param_groups]
    weights = torch.tensor(WEIGHTS, device=corpus.device)
    start, step, reported = time.monotonic(), 0, 0
    while (share := (time.monotonic() - start) / seconds) < 1:
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * speed(step, share)
        batch, target = lessons.next()
        with torch.autocast(corpus.device.type, torch.bfloat16, enabled=batch.ids.is_cuda):
            loss = (losses(encoder, rows, batch, target) * weights).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(encoder.weights(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        if share * _REPORTS >= reported:
            reported += 1
            _tell(step, lessons.losses(encoder))
    told = lessons.losses(encoder)
    _tell(step, told)
    return Trained(encoder, step, told)


def _optimiser(encoder: Encoder) -> torch.optim.Optimizer:
    groups = [
        {"params": encoder.weights(), "lr": RATE, "weight_decay": DECAY},
        {"params": [encoder.pieces], "lr": ROWS_RATE, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


def _tell(step: int, found: tuple[float, float]) -> None:
    print(f"step {step:6}: texts {found[0]:.4f}, relations {found[1]:.4f}", flush=True)
