"""What of a model is trained, as parts: an adapter's matrices, or the weights of layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from mnemon.weights.optimize import Part, Role

if TYPE_CHECKING:
    from torch import Tensor

_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.")
Own: TypeAlias = "Mapping[str, tuple[Tensor, Tensor]]"
"""Of each linear layer, A `[R, I]` and B `[O, R]`."""


def parts(own: Own) -> list[Part]:
    """An adapter's matrices, from now on with gradients."""
    found = []
    for name, (low, high) in own.items():
        found.append(Part(f"{name}.lora_A", low.requires_grad_(), "low", layer_of(name)))
        found.append(Part(f"{name}.lora_B", high.requires_grad_(), "high", layer_of(name)))
    return found


def sharing(own: Own) -> dict[str, tuple[Tensor, Tensor]]:
    """The same as `Worn.wear` takes it, for one shard: A `[1, R, I]` and B `[1, O, R]`."""
    return {name: (low[None], high[None]) for name, (low, high) in own.items()}


def weights(model: Any, first: int = 0) -> list[Part]:
    """A model's weights from layer `first` on, with its final norm; all of them if that is 0."""
    output, given = model.get_output_embeddings(), model.get_input_embeddings()
    known: dict[int, Role] = {id(given.weight): "embedding", id(output.weight): "output"}
    found = []
    for name, one in model.named_parameters():
        layer = layer_of(name)
        role: Role = known.get(id(one), "matrix" if one.ndim > 1 else "vector")
        if first and (role in ("embedding", "output") or (layer is not None and layer < first)):
            continue
        found.append(Part(name, one, role, layer))
    return found


def layer_of(name: str) -> int | None:
    """The number of the decoder layer that a tensor's name says, or None."""
    found = _LAYER.search(name)
    return None if found is None else int(found[1])
