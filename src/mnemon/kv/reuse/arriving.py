"""A cache whose layers arrive while the model computes: the first ones are used before the last.

    cache = arriving(model, [tiers.stream(key) for key in keys])
    seam.forward(model, question, cache)

Each layer waits for its own keys and values only, when the pass comes to it. On CUDA that is an
event of the copying stream, so the host goes on and the copies of later layers run beside the
computation of earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.errors import InvalidInput
from mnemon.kv.cache import KVCache
from mnemon.kv.layer import KVLayer
from mnemon.kv.reuse.seeding import begin_at, check_reusable
from mnemon.kv.room import spare, together

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.tiers.streaming import Layer, Stream


def arriving(model: PreTrainedModel, streams: Sequence[Stream]) -> KVCache:
    """A cache of one sequence that has seen the blocks of some streams; they follow each other.

    The pass that uses it raises what a stream raises (`DamagedBlob`, `PlaceFailed`): the cache is
    of no use then, and the prompt has to be computed.

    Raises:
        InvalidInput: no streams, or one has not as many layers as the model; a model some of whose
            layers do not keep all tokens.
    """
    check_reusable(model)
    cache = KVCache(model, policy="recency", budget=1.0)
    wrong = [one.layers for one in streams if one.layers != len(cache.layers)]
    if wrong or not streams:
        raise InvalidInput(
            f"a cache of {len(cache.layers)} layers begins with at least one stream, and each has"
            f" as many layers, not {wrong[:1] or 'none'}"
        )
    tokens = sum(int(one.header["tokens"]) for one in streams)
    coming = [iter(one) for one in streams]
    cache.layers = [_Arriving(cache, index, coming, tokens) for index in range(len(cache.layers))]
    begin_at(cache, tokens, model.device)
    return cache


class _Arriving(KVLayer):
    """A layer that takes what arrived for it when the pass gets there."""

    def __init__(
        self, cache: KVCache, index: int, coming: Sequence[Iterator[Layer]], tokens: int
    ) -> None:
        super().__init__(cache, index)
        self._coming: Sequence[Iterator[Layer]] = coming
        self.seen, self.is_initialized = tokens, True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self._coming:
            return super().update(key_states, value_states, *args, **kwargs)
        self.cache.require_pass()
        parts = [(one.keys[None], one.values[None]) for one in map(next, self._coming)]
        self._coming = ()
        self.seen += key_states.shape[2]
        parts.append((key_states, value_states))
        self.room, self.keys, self.values = together(parts, spare(self.seen))
        return key_states, value_states
