"""The last stage: questions whose layers fetch from a store what stands before the pool.

As in M+: the pool as it stands after more facts than it holds, what it dropped in a store with
thousands of others, and the best of them by the retriever as it is now, oldest first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mnemon.bench.pool_training.candidates import Candidates
from mnemon.bench.pool_training.facts import VALUE
from mnemon.bench.pool_training.losses import Losses, held, judged, passed
from mnemon.bench.pool_training.pools import Pools
from mnemon.weights.pool import _cache as caches


def stored(
    model: Any, drawn: Pools, new: list[Tensor], filler: Tensor, candidates: Candidates,
    rng: np.random.Generator, fetched: int, *, through: bool,
) -> Losses:  # fmt: skip
    """The losses of questions that fetch `fetched` latents a layer.

    Args:
        through: whether gradients of the retriever's loss reach the model, as the others' do.
    """
    pools = held(drawn, new)
    each = len(drawn.asked) // len(pools[0])
    away, ages = _away(drawn, new[0].shape, candidates), _ages(rng, new[0].shape, candidates)
    told: list[Tensor] = []

    def choosing(layer: int) -> caches.Choose:
        def choose(hidden: Tensor) -> Tensor:
            fits = candidates.fits(model, layer, hidden[:, :-VALUE], through=through)
            told.append(candidates.nats(fits))
            best = fits.masked_fill(~away[layer], -torch.inf).topk(fetched).indices
            best = best.gather(1, ages[best].argsort(1))
            pool = pools[layer].repeat_interleave(each, 0)
            return torch.cat([candidates.latents[layer][best], pool], 1)

        return choose

    choices = [choosing(layer) for layer in range(len(new))]
    cache = caches.choosing(model, choices, fetched + pools[0].shape[1])
    return judged(model, drawn, pools, filler, passed(model, cache, drawn.asked, VALUE), told)


def _away(drawn: Pools, shape: torch.Size, candidates: Candidates) -> Tensor:
    """`[L, B, n]`: what is not in a question's own pool."""
    (layers, rows, _), (facts, size, _) = drawn.left.shape, shape
    before = candidates.own.shape[1] - facts * size
    first = torch.arange(rows, device=drawn.left.device)[:, None] * (facts // rows * size) + before
    away = torch.ones(layers, rows, candidates.own.shape[1], dtype=torch.bool, device=first.device)
    away.scatter_(2, drawn.left + first, False)
    return away.repeat_interleave(len(drawn.asked) // rows, 1)


def _ages(rng: np.random.Generator, shape: torch.Size, candidates: Candidates) -> Tensor:
    """`[n]`, by which what is fetched is ordered: any order of facts, each in its own order."""
    size, count = shape[1], candidates.own.shape[1]
    facts = torch.from_numpy(rng.permutation(count // size)).to(candidates.own.device)
    return (facts[:, None] * size + torch.arange(size, device=facts.device)).flatten()
