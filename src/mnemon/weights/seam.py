"""The seam to a transformers model: its upper layers alone, and low-rank deltas on linear layers.

What is worn stands in buffers called `lora_A` and `lora_B`, so that `mnemon.kv.reuse.fingerprint`
tells a model with an adapter from one without, and never reuses the other's keys and values.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

Deltas: TypeAlias = "Mapping[str, tuple[Tensor, Tensor]]"
"""Of each linear layer, A `[S, R, I]` and B `[S, O, R]`: a pair for each of S shards."""


class Upper:
    """The last layers of a model, run from hidden states on.

    Attributes:
        first: index of the first of these layers. layers: these layers.
        linear: their linear layers, by their names in the whole model.
    """

    def __init__(self, model: Any, layers: int) -> None:
        decoder = model.get_decoder()
        total = len(decoder.layers)
        if not 0 < layers <= total:
            raise InvalidInput(f"{layers} layers cannot be adapted: the model has {total}")
        self.first = total - layers
        self._whole, self._head = decoder, model.get_output_embeddings()
        # The same modules under a decoder of their own: nothing is copied but the list of layers.
        self._top = copy.copy(decoder)
        self._top._modules = dict(decoder._modules)
        self._top.layers = nn.ModuleList(list(decoder.layers[self.first :]))
        self.layers = list(self._top.layers)
        within = {id(one) for one in self._top.layers.modules()}
        self.linear = {
            name: one for name, one in model.named_modules()
            if isinstance(one, nn.Linear) and id(one) in within
        }  # fmt: skip

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self._whole.parameters()).device

    @torch.no_grad()
    def below(self, ids: Tensor) -> Tensor:
        """Hidden states `[N, T, D]` that the upper layers start from, for ids `[N, T]`.

        Raises:
            InvalidInput: the architecture gives other results when it is run from there.
        """
        told = self._whole(ids, output_hidden_states=True, use_cache=False)
        hidden: Tensor = told.hidden_states[self.first]
        again = self._top(inputs_embeds=hidden[:1], use_cache=False).last_hidden_state
        if not _alike(again, told.last_hidden_state[:1]):
            raise InvalidInput(
                f"{type(self._whole).__name__} cannot be run from layer {self.first} on: "
                "this architecture is not supported"
            )
        return hidden

    def logits(self, hidden: Tensor, at: Tensor) -> Tensor:
        """Logits `[M, V]` at the M places that `at` `[N, T]` marks."""
        out = self._top(inputs_embeds=hidden, use_cache=False).last_hidden_state
        logits: Tensor = self._head(out[at])
        return logits


class Worn:
    """Linear layers that can wear deltas; `close` makes them as they were."""

    def __init__(self, linear: Mapping[str, nn.Module], scale: float = 1.0) -> None:
        self._linear: dict[str, Any] = dict(linear)
        for one in self._linear.values():
            if hasattr(one, "lora_A"):
                raise InvalidInput("the model wears an adapter already: close its reader first")
        for one in self._linear.values():
            one.register_buffer("lora_A", None, persistent=False)
            one.register_buffer("lora_B", None, persistent=False)
        self._hooks = [one.register_forward_hook(_added(scale)) for one in self._linear.values()]

    def wear(self, deltas: Deltas | None) -> None:
        """Put on other deltas, or none. N rows of a batch are S shards of N / S each."""
        for name, one in self._linear.items():
            one.lora_A, one.lora_B = (deltas or {}).get(name, (None, None))

    def close(self) -> None:
        """Take off what is worn, and the hooks."""
        for hook in self._hooks:
            hook.remove()
        for one in self._linear.values():
            del one.lora_A, one.lora_B


def _alike(one: Tensor, other: Tensor) -> bool:
    # Few rows are multiplied in another order than many: half precision shows it.
    apart = torch.linalg.vector_norm(one - other, dtype=torch.float32)
    size = torch.linalg.vector_norm(other, dtype=torch.float32)
    return bool(apart <= max(1e-3, 8 * torch.finfo(one.dtype).eps) * size)


@contextmanager
def wearing(linear: Mapping[str, nn.Module], scale: float) -> Iterator[Worn]:
    """Linear layers that can wear deltas, while this lasts."""
    worn = Worn(linear, scale)
    try:
        yield worn
    finally:
        worn.close()


def _added(scale: float) -> Any:
    def hook(module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        low, high = module.lora_A, module.lora_B
        if low is None:
            return output
        (given,) = inputs
        # Training keeps float32 whatever the model is in.
        shards = given.reshape(low.shape[0], -1, given.shape[-1]).to(low.dtype)
        delta = torch.bmm(torch.bmm(shards, low.transpose(1, 2)), high.transpose(1, 2))
        return output + (scale * delta).reshape(output.shape).to(output.dtype)

    return hook
