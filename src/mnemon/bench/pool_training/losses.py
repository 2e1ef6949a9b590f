"""The losses of a step: answers from pools, filler after pools, and the retriever's."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mnemon.bench.pool_training.facts import VALUE
from mnemon.bench.pool_training.pools import Pools
from mnemon.kv import seam
from mnemon.weights.pool import _cache as caches
from mnemon.weights.pool import _retriever as retrieving


class Losses(NamedTuple):
    """Nats: of answers a token, of filler a token, of the retriever. `exact`: share of the
    questions answered, in training."""

    answers: Tensor
    filler: Tensor
    retriever: Tensor
    exact: Tensor


def losses(model: Any, drawn: Pools, new: list[Tensor], filler: Tensor) -> Losses:
    """Of pools whose facts' latents are `new`, `[P * F, K, d]` of each layer."""
    held = _held(drawn, new)
    cache, logits = _passed(model, held, drawn.asked, VALUE)
    wanted = drawn.asked[:, -VALUE:]
    exact = (logits.argmax(-1) == wanted).all(1).float().mean()
    found = _retrieved(model, drawn, new, cache)
    _, after = _passed(model, [one.detach() for one in held], filler, filler.shape[1] - 1)
    return Losses(_nats(logits, wanted), _nats(after, filler[:, 1:]), found, exact)


def retrieved(model: Any, drawn: Pools, new: list[Tensor]) -> Tensor:
    """The retriever's loss alone, of a model that stands still."""
    with torch.no_grad():
        cache, _ = _passed(model, _held(drawn, new), drawn.asked, VALUE)
    return _retrieved(model, drawn, new, cache)


def _held(drawn: Pools, new: list[Tensor]) -> list[Tensor]:
    """The pools' latents `[P, n, d]` of each layer."""
    rows, width = drawn.left.shape[1], new[0].shape[-1]
    return [
        one.reshape(rows, -1, width).gather(1, left[..., None].expand(-1, -1, width))
        for one, left in zip(new, drawn.left, strict=True)
    ]


def _passed(
    model: Any, held: list[Tensor], ids: Tensor, last: int
) -> tuple[caches.LatentCache, Tensor]:  # fmt: skip
    """The cache of ids `[P * Q, T]`, Q rows to each pool, and what is said of the last tokens."""
    cache = caches.before(model, held)
    cache.batch_repeat_interleave(len(ids) // len(held[0]))
    given = seam.with_cache(model.get_decoder(), {"input_ids": ids, "use_cache": True}, cache)
    hidden = model.get_decoder()(**given).last_hidden_state
    return cache, model.get_output_embeddings()(hidden[:, -last - 1 : -1])


def _nats(logits: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())


def _retrieved(model: Any, drawn: Pools, new: list[Tensor], cache: caches.LatentCache) -> Tensor:
    """-log of the share that a fact's own latents have of a softmax over the fit of all that were
    written in the step; mean over layers. No gradient reaches the model."""
    rows = len(drawn.about)
    facts, size, _ = new[0].shape
    first = torch.arange(rows)[:, None] * (facts // rows)
    own = functional.one_hot((drawn.about + first).flatten(), facts).repeat_interleave(size, 1)
    told = []
    for layer, latents in enumerate(new):
        projectors = retrieving.retriever(model, layer)
        question = cache.seen[layer][:, :-VALUE].detach()
        keys = projectors.key(caches.normed(model, layer, latents.detach()).detach().flatten(0, 1))
        fit = retrieving.fit(projectors.query(question), keys)
        told.append(-(fit.log_softmax(-1) * own).sum(-1).mean() / size)
    return torch.stack(told).mean()
