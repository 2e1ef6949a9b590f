"""The losses of a step: answers from pools, filler after pools, and the retriever's."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mnemon.bench.pool_training.candidates import Candidates
from mnemon.bench.pool_training.facts import VALUE
from mnemon.bench.pool_training.pools import Pools
from mnemon.kv import seam
from mnemon.weights.pool import _cache as caches


class Losses(NamedTuple):
    """Nats: of answers a token, of filler a token, of the retriever. `exact`: share of the
    questions answered, in training."""

    answers: Tensor
    filler: Tensor
    retriever: Tensor
    exact: Tensor


def losses(
    model: Any, drawn: Pools, new: list[Tensor], filler: Tensor, candidates: Candidates
) -> Losses:  # fmt: skip
    """Of pools whose facts' latents are `new`, `[P * F, K, d]` of each layer; no gradient of the
    retriever's reaches the model."""
    pools = held(drawn, new)
    cache = _before(model, pools, len(drawn.asked))
    said = passed(model, cache, drawn.asked, VALUE)
    return judged(model, drawn, pools, filler, said, _found(model, candidates, cache))


def retrieved(model: Any, drawn: Pools, new: list[Tensor], candidates: Candidates) -> Tensor:
    """The retriever's loss alone, of a model that stands still."""
    with torch.no_grad():
        cache = _before(model, held(drawn, new), len(drawn.asked))
        passed(model, cache, drawn.asked, VALUE)
    return torch.stack(_found(model, candidates, cache)).mean()


def held(drawn: Pools, new: list[Tensor]) -> list[Tensor]:
    """The pools' latents `[P, n, d]` of each layer."""
    rows, width = drawn.left.shape[1], new[0].shape[-1]
    return [
        one.reshape(rows, -1, width).gather(1, left[..., None].expand(-1, -1, width))
        for one, left in zip(new, drawn.left, strict=True)
    ]


def passed(model: Any, cache: caches.LatentCache, ids: Tensor, last: int) -> Tensor:
    """What is said of the last tokens of ids `[B, T]` after what a cache begins with."""
    given = seam.with_cache(model.get_decoder(), {"input_ids": ids, "use_cache": True}, cache)
    hidden = model.get_decoder()(**given).last_hidden_state
    said: Tensor = model.get_output_embeddings()(hidden[:, -last - 1 : -1])
    return said


def judged(
    model: Any, drawn: Pools, pools: list[Tensor], filler: Tensor, said: Tensor,
    found: list[Tensor],
) -> Losses:  # fmt: skip
    """The losses of answers that were said, with those of filler after the pools."""
    wanted = drawn.asked[:, -VALUE:]
    exact = (said.argmax(-1) == wanted).all(1).float().mean()
    cache = _before(model, [one.detach() for one in pools], len(filler))
    after = passed(model, cache, filler, filler.shape[1] - 1)
    rest = _nats(after, filler[:, 1:])
    return Losses(_nats(said, wanted), rest, torch.stack(found).mean(), exact)


def _before(model: Any, pools: list[Tensor], rows: int) -> caches.LatentCache:
    """A cache for so many rows, as many to each pool."""
    cache = caches.before(model, pools)
    cache.batch_repeat_interleave(rows // len(pools[0]))
    return cache


def _nats(logits: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())


def _found(model: Any, candidates: Candidates, cache: caches.LatentCache) -> list[Tensor]:
    """The retriever's loss in each layer."""
    return [
        candidates.nats(candidates.fits(model, layer, seen[:, :-VALUE], through=False))
        for layer, seen in enumerate(cache.seen)
    ]
