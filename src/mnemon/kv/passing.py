"""A forward pass of a cache's model: what is noted when it begins, ends or fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import checks, compression, rounds, surprising
from mnemon.kv.needs import Need
from mnemon.kv.seen import folded

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mnemon.kv.cache import KVCache
    from mnemon.kv.layer import KVLayer


@dataclass(frozen=True)
class Passing:
    """The forward pass under way: its new tokens.

    Attributes:
        count: how many. tokens: `[B, count]` their ids, or `[B, count, d]` embeddings.
        valid: `[B, count]`, false where padding; None if there is none.
        positions: `[B, count]` int32, as the rotary embedding takes them.
        given: keys and values that the model got from each layer of the cache in this pass.
    """

    count: int
    tokens: Tensor
    valid: Tensor | None
    positions: Tensor
    given: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)


def begin(
    cache: KVCache, body: nn.Module, tokens: Tensor, mask: Tensor | None, positions: Tensor | None
) -> None:
    """Take note of the tokens of the forward pass that begins.

    Raises:
        InvalidInput: another model or device, a mask that does not fit, padding on the right.
    """
    if body is not cache.body:
        raise InvalidInput(
            "this KVCache was made for another model: make a KVCache(model) for the model that"
            " you call"
        )
    batch, count = tokens.shape[:2]
    if count == 0:
        raise InvalidInput(
            f"this KVCache has seen {cache.slots} tokens and is given no new one: to go on, "
            "pass the conversation with something added; to start again, make a new KVCache"
        )
    checks.turn(cache.answered, count, mask is not None or positions is not None)
    valid = cache.padding_of(mask, batch, count)
    positions = checks.positions(positions, batch, count, cache.slots, tokens.device)
    checks.going_on(cache.positions, positions, count)
    cache.passing = Passing(count, tokens, valid, positions)
    cache.spoken = False


def read_by(cache: KVCache, module: nn.Module, keys: Tensor, values: Tensor) -> KVLayer | None:
    """The layer that an attention module reads; None if it reads what it was given.

    A module that makes no keys of its own is given those of an earlier layer (Gemma 3n, Gemma 4).

    Raises:
        InvalidInput: keys or values are not those that the cache took: they were changed since.
    """
    given = {} if cache.passing is None else cache.passing.given
    own = cache.layer_of(module)
    if own is not None and own.index in given:
        same = all(map(_same, given[own.index], (keys, values)))
        places = [own.index] if same else []
    else:
        places = [place for place, pair in given.items() if pair[0] is keys and pair[1] is values]
    if not places and own is None and getattr(module, "layer_idx", None) in given:
        return None  # transformers' own layers give what they hold
    if not places:
        raise InvalidInput(
            f"{type(module).__name__} attends to keys and values that are not those in its cache"
            " (it changes them after the cache has taken them): this model's cache cannot be"
            " compressed; use transformers' own"
        )
    return next((layer for layer in cache.compressed if layer.index == places[0]), None)


def _same(one: Tensor, other: Tensor) -> bool:
    return one is other or (one.shape == other.shape and torch.equal(one, other))


def finish(cache: KVCache, hidden: Tensor) -> None:
    """Take the pass's tokens in, and compress if it is time."""
    now = cache.passing
    assert now is not None
    now.given.clear()  # or what compressing lets go would stay
    cache.valid = cache.tail_padding()
    cache.positions = _longer(cache.positions, now.positions)
    if Need.ROUNDS in cache.policy.needs:
        new = rounds.numbered(now.tokens, cache.policy.separator, cache.rounds)
        cache.rounds = _longer(cache.rounds, new)
    fresh = torch.full((now.positions.shape[0],), now.count)
    if now.valid is not None:
        fresh = now.valid.sum(1).cpu()
    if cache.real is None:
        cache.real, cache.fresh = fresh, fresh.clone()
        cache.started = torch.zeros(len(fresh), dtype=torch.bool)
    else:
        cache.real, cache.fresh = cache.real + fresh, cache.fresh + fresh
    cache.seen = folded(cache.seen, now.tokens, cache.slots)
    cache.answered = now.count == 1 and cache.slots > 0
    cache.slots += now.count
    cache.passing = None
    if not cache.spoken and cache.modules:
        raise InvalidInput(
            f"the attention of {type(cache.model).__name__} was set to another since this KVCache"
            " was made, or does not go through transformers' attention interface: make a new"
            " KVCache; if that fails too, this model's cache cannot be compressed"
        )
    if cache.compresses and Need.SURPRISAL in cache.policy.needs:
        cache.surprisal = _longer(cache.surprisal, surprising.of_pass(cache, now, hidden))
        cache.newest = hidden[:, -1:].clone()
    compression.run(cache, now.count, hidden)


def abort(cache: KVCache) -> None:
    """Take the tokens of a pass that raised back."""
    cache.passing = None
    if cache.elsewhere is not None:
        cache.elsewhere.forget_notes()
    for layer in cache.compressed:
        if cache.slots == 0:
            layer.reset()
        else:
            layer.crop(cache.slots - layer.seen)


def _longer(old: Tensor | None, new: Tensor) -> Tensor:
    return new if old is None else torch.cat([old, new], 1)
