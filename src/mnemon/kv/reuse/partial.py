"""A pass over some tokens of a text: their keys and values replace those that a cache holds.

Everything goes through public seams: a cache layer that puts new tokens in the places of old ones,
our attention, which then masks by place, and forward pre-hooks on the decoder's layers, by which a
pass goes on with fewer tokens than it began with. Hooks are there for one pass only, and other
threads' passes through the model do not feel them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from mnemon.kv import attention, seam
from mnemon.kv.cache import KVCache
from mnemon.kv.layer import KVLayer

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Look:
    """One layer's keys and values of the tokens of a pass, before the layer is computed.

    Attributes:
        layer: its number. places: of the n tokens in the text, `[n]`.
        keys, values: as this pass makes them, `[Hkv, n, D]`.
        old_keys, old_values: as they were kept, at the same places.
    """

    layer: int
    places: Tensor
    keys: Tensor
    values: Tensor
    old_keys: Tensor
    old_values: Tensor


Narrow = Callable[[Look], "Tensor"]
"""Which of a look's tokens the pass goes on with: `[n]` booleans."""


class Partial(KVCache):
    """Room for a whole text, some of it filled in; good for one pass.

    Attributes:
        places: of the tokens that are in the pass at this moment, `[n]`.
        computed: how many tokens each layer computed. looked: how many had their keys and values
            looked at beforehand, over all layers.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        keys: list[Tensor],
        values: list[Tensor],
        places: Tensor,
        narrow: Mapping[int, Narrow],
    ) -> None:
        """Take over tensors `[1, Hkv, T, D]`, one a layer; they are written into."""
        super().__init__(model, policy="recency", budget=1.0)
        self.layers = [_Replacing(self, index) for index in range(len(keys))]
        for layer, of_keys, of_values in zip(self.compressed, keys, values, strict=True):
            layer.keys, layer.values = of_keys, of_values
            layer.seen, layer.is_initialized = of_keys.shape[2], True
        self.places = places
        self.computed = [0] * len(keys)
        self.looked = 0
        self._narrow = narrow
        self._looking: bool = False

    def run(self, tokens: Tensor) -> Tensor:
        """The pass over `tokens` `[n]`, those at `places`: the logits of the last one, `[V]`."""
        model = self.model
        hooks = [
            layer.register_forward_pre_hook(partial(self._enter, index), with_kwargs=True)
            for index, layer in enumerate(seam.decoder_layers(model))
        ]
        try:
            positions = self.places[None]
            logits = seam.forward(
                model, tokens[None], self, position_ids=positions, logits_to_keep=1
            )
        finally:
            for hook in hooks:
                hook.remove()
        return logits[0, -1]

    def replace(self, layer: KVLayer, keys: Tensor, values: Tensor) -> None:
        """Put the new keys and values `[1, Hkv, n, D]` of the pass in their places."""
        if self._looking:
            raise _SeenEnough(keys, values)
        held_keys, held_values = layer.held
        held_keys.index_copy_(2, self.places, keys)
        held_values.index_copy_(2, self.places, values)

    def _enter(
        self, index: int, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Before a layer: leave out what a narrowing leaves out, here or before."""
        if seam.current() is not self or self._looking:
            return None
        hidden, *rest = args or (kwargs["hidden_states"],)
        whole = kwargs["position_ids"]
        if index in self._narrow:
            given = _narrowed(kwargs, whole, self.places)
            kept = self._narrow[index](self._look(index, module, hidden, given))
            hidden, self.places = hidden[:, kept], self.places[kept]
        self.computed[index] += len(self.places)
        given = _narrowed(kwargs, whole, self.places)
        if args:
            return (hidden, *rest), given
        return args, {**given, "hidden_states": hidden}

    def _look(self, index: int, module: nn.Module, hidden: Tensor, given: dict[str, Any]) -> Look:
        """Begin the layer, and leave it when its keys and values are known."""
        self._looking = True
        self.looked += len(self.places)
        try:
            module(hidden, **{k: one for k, one in given.items() if k != "hidden_states"})
        except _SeenEnough as seen:
            keys, values = seen.keys[0], seen.values[0]
        finally:
            self._looking = False
        old_keys, old_values = (one[0][:, self.places] for one in self.compressed[index].held)
        return Look(index, self.places, keys, values, old_keys, old_values)


class _Replacing(KVLayer):
    """A layer that puts new tokens in the places of old ones."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        self.cache.require_pass()
        self._check(key_states)
        assert isinstance(self.cache, Partial)
        self.cache.replace(self, key_states, value_states)
        return key_states, value_states

    def mask(self, query: Tensor, base: str) -> Any:
        """Each token sees itself and all places before its own."""
        assert isinstance(self.cache, Partial)
        places = self.cache.places
        if len(places) == self.tail:
            return super().mask(query, base)
        seen = places[:, None] >= torch.arange(self.tail, device=places.device)
        return attention.mask_of(seen[None, None], base, query.dtype)


class _SeenEnough(Exception):
    """Carries keys and values out of a layer that was only begun."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.keys, self.values = keys, values


def _narrowed(kwargs: dict[str, Any], whole: Tensor, places: Tensor) -> dict[str, Any]:
    """A layer's arguments for the tokens at `places` only, of those of the whole pass."""
    if whole.shape[1] == len(places):
        return kwargs
    chosen = torch.isin(whole[0], places)
    given = {**kwargs, "position_ids": whole[:, chosen]}
    given["position_embeddings"] = tuple(one[:, chosen] for one in kwargs["position_embeddings"])
    return given
