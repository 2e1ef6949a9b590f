"""A stream of facts read into latent pools, and questions about those that came a while ago."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from mnemon.bench.pool_training.facts import VALUE, Facts, facts, unrelated
from mnemon.bench.recall.filler import HeldOut
from mnemon.kv import seam
from mnemon.weights.pool import Pool
from mnemon.weights.pool._latents import Latents
from mnemon.weights.reading import greedy

AGES = (0, 1, 2, 4, 8, 16, 32, 64)
"""Updates since a fact was read, when it is asked about."""


@dataclass(frozen=True)
class Stream:
    """Facts about different things, one an update."""

    drawn: Facts

    @classmethod
    def of(cls, count: int, seed: int) -> Stream:
        """`count` facts that no training draws."""
        return cls(facts(np.random.default_rng([seed, count, 77]), count))

    def read(self, model: Any, method: Pool) -> Iterator[tuple[int, Latents]]:
        """The number of updates, and the pool after them; the empty one first."""
        pool = method.empty(model)
        yield 0, pool
        for number, told in enumerate(self.drawn.told.tolist(), 1):
            pool = method.update(model, pool, told)
            yield number, pool

    def question(self, fact: int) -> tuple[list[int], list[int]]:
        """Ids of a question about a fact, and of its answer."""
        ids = self.drawn.asked[fact].tolist()
        return ids[:-VALUE], ids[-VALUE:]

    @torch.no_grad()
    def says(self, model: Any, cache: Any, fact: int, *, ends: bool = True) -> bool:
        """Whether the model's greedy answer after a cache is the fact's; with `ends`, and no
        more."""
        prompt, answer = self.question(fact)
        said = greedy(model, prompt, answer[-1], VALUE, cache)
        return (said if ends else said[: VALUE - 1]) == answer[:-1]


@torch.no_grad()
def answered(
    model: Any, method: Pool, pool: Latents, stream: Stream, fact: int, *, ends: bool = True
) -> bool:
    """Whether the model's greedy answer from a pool is the fact's; with `ends`, and no more."""
    return stream.says(model, method.cache(model, pool), fact, ends=ends)


@torch.no_grad()
def answered_alone(model: Any, stream: Stream, fact: int, *, told: bool, ends: bool = True) -> bool:
    """Whether it is without a pool: with the fact `told` in the context, or not."""
    prompt, answer = stream.question(fact)
    before = stream.drawn.told[fact].tolist() if told else prompt[:1]
    given = torch.tensor([[*before, *prompt[1:], *answer]])
    said = model(given, use_cache=False, logits_to_keep=VALUE + 1).logits[0, :-1].argmax(-1)
    wanted = answer if ends else answer[:-1]
    return [int(one) for one in said[: len(wanted)]] == wanted


@torch.no_grad()
def perplexity(model: Any, method: Pool, pool: Latents, seed: int, rows: int = 16) -> float:
    """Of filler that was never trained on, 64 tokens a row, after a pool."""
    rng = np.random.default_rng([seed, 5])
    ids = torch.from_numpy(unrelated(rng, HeldOut(rng), rows, 64))
    cache = method.cache(model, pool)
    cache.batch_repeat_interleave(rows)
    logits = seam.forward(model, ids, cache)[:, :-1]
    return float(functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).exp())


def left(pool: Latents, fact: int) -> float:
    """The share of a fact's latents that are still in a pool, all layers together; 1 at first."""
    return float((pool.born == fact).float().sum(1).mean())


def share(right: int, asked: int) -> dict[str, float]:
    """Wilson's interval of a share, 95 %."""
    z, p = 1.96, right / asked
    middle = (p + z**2 / (2 * asked)) / (1 + z**2 / asked)
    half = z * sqrt(p * (1 - p) / asked + z**2 / (4 * asked**2)) / (1 + z**2 / asked)
    return {"95 % from": max(0.0, middle - half), "to": min(1.0, middle + half)}
