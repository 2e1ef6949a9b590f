"""What a store brings back: how often the fitting latents are fetched, and what is answered then.

Each is measured by itself: what the retriever fetches, and what would be answered if it fetched a
fact's own latents always, at the places where they would stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from mnemon.bench.latent.pool_stream import Stream, answered, share
from mnemon.bench.latent.section import Row
from mnemon.methods import load
from mnemon.weights.pool import Pool
from mnemon.weights.pool import _cache as caches
from mnemon.weights.pool import _retriever as retrieving
from mnemon.weights.pool._latents import Latents

STORE = "m-plus: facts older than the pool, at equal attended latents a layer"
FOUND = "m-plus: latents of a fact that its question fetches, by layer"


def rows(
    model: Any, shape: dict[str, int], fetched: int, counts: Sequence[int], asked: int, seed: int
) -> Iterator[Row]:  # fmt: skip
    """After each of `counts` updates: what is answered of `asked` facts that are older than the
    pool, and what is fetched.

    Args:
        shape: options of both methods. fetched: of their blocks, from the store.
    """
    plain: Pool = load("weights.pool", "memoryllm", **shape)
    options = {**shape, "num_ltm_blocks": fetched}
    long: Pool = load("weights.pool", "m-plus", **options)
    chance: Pool = load("weights.pool", "m-plus", **options, retrieve="random")
    stream = Stream.of(counts[-1], seed + 2)
    both = zip(stream.read(model, plain), stream.read(model, long), strict=True)
    for (count, dropped), (_, kept) in both:
        if count not in counts:
            continue
        # Older than the pool holds, had nothing been dropped before its time.
        old = np.arange(count - shape["num_blocks"])
        facts = np.random.default_rng([seed, count]).permutation(old)[:asked].tolist()
        pools = {
            "drop only": (plain, dropped), "store, at random": (chance, kept),
            "store, retrieved": (long, kept),
        }  # fmt: skip
        for name, (method, pool) in pools.items():
            right = [answered(model, method, pool, stream, one) for one in facts]
            yield _row(count, name, right, method.attended, pool)
        size = fetched * shape["num_tokens"]
        given = [_asked(model, stream, kept, one, size, own=True).answered for one in facts]
        yield _row(count, "store, a fact's own latents", given, long.attended, kept)
        found = [_asked(model, stream, kept, one, size, own=False).found for one in facts]
        held = {"latents in the store": kept.store.shape[1], "fetched": size}
        yield Row(FOUND, {"updates": count}, {**held, **_layers(found)})


def _row(count: int, name: str, right: Sequence[bool], attended: int, pool: Latents) -> Row:
    return Row(STORE, {"updates": count, "pool": name}, {
        "answered": float(np.mean(right)), **share(sum(right), len(right)),
        "questions": len(right), "attended latents": attended, "MiB": pool.nbytes / 2**20,
    })  # fmt: skip


class _Asked(NamedTuple):
    """Whether a question was answered, and of each layer the share of the fact's latents in the
    store that was fetched; nan if it has none."""

    answered: bool
    found: list[float]


def _asked(
    model: Any, stream: Stream, pool: Latents, fact: int, size: int, *, own: bool
) -> _Asked:  # fmt: skip
    """As `m-plus` fetches, with what is fetched seen; with `own`, a fact's own latents first."""
    found: list[float] = []

    def choosing(layer: int) -> caches.Choose:
        def choose(hidden: torch.Tensor) -> torch.Tensor:
            query, _ = retrieving.retriever(model, layer)
            fits = retrieving.fit(query(hidden[0]), pool.keys[layer])
            its = pool.stored[layer] == fact
            best = (fits.masked_fill(its, torch.inf) if own else fits).topk(fetched).indices
            found.append(float(its[best].sum() / its.sum()))
            latents = pool.store[layer][best.sort().values]
            return torch.cat([latents, pool.tokens[layer]])[None]

        return choose

    fetched = min(size, pool.store.shape[1])
    choices = [choosing(layer) for layer in range(len(pool.tokens))]
    cache = caches.choosing(model, choices, fetched + pool.tokens.shape[1])
    return _Asked(stream.says(model, cache, fact), found)


def _layers(found: list[list[float]]) -> dict[str, float]:
    means = np.nanmean(np.array(found), 0).tolist()
    return {f"layer {number}": one for number, one in enumerate(means)}
