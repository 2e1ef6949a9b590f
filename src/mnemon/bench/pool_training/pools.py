"""Pools of a training step: which latents are left of facts that were read one after another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mnemon.bench.pool_training.facts import Ids, facts
from mnemon.bench.pool_training.recipe import PoolRecipe


class Pools(NamedTuple):
    """P pools of F facts each, and Q questions to each.

    Attributes:
        told: ids `[P * F, T]`. asked: ids `[P * Q, T]` of questions with their answers.
        left: for each layer the latents left, `[L, P, n]`, as numbers fact * K + place.
        about: `[P, Q]`, the fact a question is about.
    """

    told: Tensor
    asked: Tensor
    left: Tensor
    about: Tensor

    def to(self, device: torch.device) -> Pools:
        """The same there."""
        return Pools(*(one.to(device) for one in self))


def pools(rng: np.random.Generator, recipe: PoolRecipe, step: int, layers: int) -> Pools:
    """What is read and asked at a step; half of the steps have fewer facts than the most."""
    most = recipe.facts(step)
    few = int(np.exp(rng.uniform(np.log(2), np.log(most + 1))))
    count = few if rng.random() < 0.5 else most
    rows = max(1, recipe.written // max(count, recipe.num_blocks // 2))
    each = max(1, min(2 * count, recipe.asked // rows))
    told, asked = facts(rng, rows * count)
    left = _left(rng, recipe.num_tokens, recipe.size, count, layers * rows)
    left = left.reshape(layers, rows, -1)
    about = _about(rng, left // recipe.num_tokens, count, each)
    return _pools(told, asked, left, about)


def older(rng: np.random.Generator, recipe: PoolRecipe, layers: int) -> Pools:
    """As `pools`, at the last stage: of pools that leave room for what is fetched, with questions
    about any fact, for what is dropped can be fetched."""
    count = recipe.most
    rows = max(1, recipe.written // count)
    told, asked = facts(rng, rows * count)
    left = _left(rng, recipe.num_tokens, recipe.size - recipe.fetched, count, layers * rows)
    about = rng.integers(0, count, (rows, max(1, recipe.asked // rows)))
    return _pools(told, asked, left.reshape(layers, rows, -1), about)


def _pools(told: Ids, asked: Ids, left: Ids, about: Ids) -> Pools:
    first = np.arange(len(about))[:, None] * (len(told) // len(about))
    chosen = asked[(about + first).reshape(-1)]
    return Pools(*(torch.from_numpy(one) for one in (told, chosen, left, about)))


def _left(rng: np.random.Generator, size: int, most: int, count: int, rows: int) -> Ids:
    """`[rows, n]`: the updates of a pool of `most` latents, on numbers."""
    held = np.zeros((rows, 0), np.int64)
    for fact in range(count):
        dropped = max(0, held.shape[1] + size - most)
        drawn = np.argsort(rng.random(held.shape), 1)[:, dropped:]
        new = np.broadcast_to(np.arange(size) + fact * size, (rows, size))
        held = np.concatenate([np.take_along_axis(held, np.sort(drawn, 1), 1), new], 1)
    return held


def _about(rng: np.random.Generator, facts: Ids, count: int, each: int) -> NDArray[np.int64]:
    """Facts to ask about, `[P, Q]`: as often as there is something left of them."""
    chosen = []
    for row in range(facts.shape[1]):
        left = np.bincount(facts[:, row].reshape(-1), minlength=count)
        chosen.append(rng.choice(count, each, p=left / left.sum()))
    return np.stack(chosen)
