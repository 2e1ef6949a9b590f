"""Attention heads that are zeroed: what each adds to the residual stream is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from mnemon.errors import InvalidInput


class Head(NamedTuple):
    """A query head of a layer, both from 0."""

    layer: int
    number: int


def late_heads(model: Any) -> list[Head]:
    """The heads of the later half of the layers."""
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    return [Head(layer, one) for layer in range(layers // 2, layers) for one in range(heads)]


@contextmanager
def zeroed(model: Any, heads: Collection[Head]) -> Iterator[None]:
    """A model without these heads, while this lasts.

    Raises:
        InvalidInput: its attention has no `o_proj` that heads go through side by side.
    """
    hooks = []
    try:
        for layer in {one.layer for one in heads}:
            attention = model.get_decoder().layers[layer].self_attn
            if not hasattr(attention, "o_proj"):
                raise InvalidInput(f"{type(attention).__name__} has no o_proj: no head is found")
            those = [one.number for one in heads if one.layer == layer]
            count = model.config.num_attention_heads
            hooks.append(attention.o_proj.register_forward_pre_hook(_without(those, count)))
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _without(heads: list[int], count: int) -> Any:
    def hook(module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        (given,) = inputs
        each = given.unflatten(-1, (count, -1)).clone()
        each[..., heads, :] = 0
        return (each.flatten(-2),)

    return hook
