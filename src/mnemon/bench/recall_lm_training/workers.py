"""Batches of training samples, made by processes beside the training."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from mnemon.bench.recall import Endless, training_sample
from mnemon.bench.recall_lm_training.recipe import Recipe


class Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Tokens and whether they are answers, each `[B, T]`, without end.

    `phase` says which of the recipe's phases it is; batches made ahead are of the phase before.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.phase = multiprocessing.Value("i", 0)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        torch.set_num_threads(1)
        worker = get_worker_info()
        number = worker.id if worker else 0
        # Three numbers: the held-out stream's seed has two.
        rng, filler = (np.random.default_rng([self.recipe.seed, number, part]) for part in (0, 1))
        endless = Endless(filler)
        while True:
            lengths = self.recipe.phases[self.phase.value].lengths
            yield self._batch(rng, endless, lengths[rng.integers(len(lengths))])

    def _batch(
        self, rng: np.random.Generator, filler: Endless, length: int
    ) -> tuple[Tensor, Tensor]:
        shares = self.recipe.shares
        count = max(1, self.recipe.tokens // length)
        made = [training_sample(rng, filler, length, shares) for _ in range(count)]
        tokens = np.stack([one.tokens for one in made])
        return torch.from_numpy(tokens), torch.from_numpy(np.stack([one.answers for one in made]))


def loader(batches: Batches, workers: int, *, pinned: bool) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches from so many processes; 0 makes them in this one."""
    return iter(
        DataLoader(
            batches, batch_size=None, num_workers=workers, pin_memory=pinned,
            prefetch_factor=2 if workers else None,
        )
    )  # fmt: skip
