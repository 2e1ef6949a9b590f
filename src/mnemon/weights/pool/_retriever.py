"""Query and key projectors of each layer: which latents of a store fit a text.

They are submodules of the model's attention modules, as in the published code, so that they are
part of its fingerprint: a store is bound to the projectors that made its keys.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import safetensors.torch
import torch
from torch import nn

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.weights.pool._cache import normed

if TYPE_CHECKING:
    from torch import Tensor

FILE = "retriever.safetensors"
_QUERY, _KEY = "query_proj", "key_proj"  # as the published code has them


class Projectors(NamedTuple):
    """A layer's two maps, d to p channels."""

    query: nn.Linear
    key: nn.Linear


def add(model: Any, size: int, seed: int = 0) -> None:
    """Give each layer of a model untrained projectors to `size` channels; again makes them anew.

    A layer's two begin as the same map: what is alike fits from the start.
    """
    rng = torch.Generator().manual_seed(seed)
    like, width = next(model.parameters()), seam.text_config(model).hidden_size
    for module in _attentions(model):
        first = torch.randn(size, width, generator=rng) * width**-0.5
        for name in (_QUERY, _KEY):
            made = nn.Linear(width, size, bias=False)
            made.load_state_dict({"weight": first})
            module.add_module(name, made.to(like))


def retriever(model: Any, layer: int) -> Projectors:
    """A layer's projectors.

    Raises:
        InvalidInput: the model has none.
    """
    module = _attentions(model)[layer]
    if not hasattr(module, _QUERY):
        raise InvalidInput(
            f"this {type(model).__name__} has no retriever: train one, or load the folder of one "
            "that has (mnemon.weights.load_retriever)"
        )
    query, key = getattr(module, _QUERY), getattr(module, _KEY)
    return Projectors(query, key)


def width(model: Any) -> int:
    """Channels of a key."""
    return retriever(model, 0).key.out_features


def keys(model: Any, latents: Tensor) -> Tensor:
    """Of latents `[L, n, d]` the keys `[L, n, p]`."""
    made = [
        retriever(model, layer).key(normed(model, layer, one)) for layer, one in enumerate(latents)
    ]
    return torch.stack(made)


def fit(queries: Tensor, keys: Tensor) -> Tensor:
    """How well each of n latents fits a text `[…, n]`: higher is better.

    Args:
        queries: `[…, T, p]` of its tokens. keys: `[…, n, p]`.
    """
    return (queries.mean(-2, keepdim=True) @ keys.mT)[..., 0, :] * keys.shape[-1] ** -0.5


def without_retriever(model: Any) -> dict[str, Tensor]:
    """A model's own weights by their names: what transformers can load again."""
    added = {id(one.weight) for layer in range(len(_attentions(model)))
             for one in retriever(model, layer)}  # fmt: skip
    return {
        name: one for name, one in model.state_dict(keep_vars=True).items() if id(one) not in added
    }  # fmt: skip


def save_retriever(model: Any, folder: str | Path) -> None:
    """Write a model's projectors beside its weights."""
    held = {name: one.weight.detach().cpu().contiguous() for name, one in _named(model).items()}
    safetensors.torch.save_file(held, Path(folder) / FILE)


def load_retriever(model: Any, folder: str | Path) -> None:
    """Give a model the projectors of its folder.

    Raises:
        InvalidInput: the folder has none, or they are another model's.
    """
    file = Path(folder) / FILE
    if not file.is_file():
        raise InvalidInput(f"{folder} has no {FILE}: `mnemon bench train-pool` writes one")
    told = safetensors.torch.load_file(file)
    add(model, len(told["0.key"]))
    named = _named(model)
    shapes = {name: one.weight.shape for name, one in named.items()}
    if shapes != {name: one.shape for name, one in told.items()}:
        raise InvalidInput(f"the {FILE} of {folder} was trained with a model of another shape")
    for name, one in named.items():
        one.load_state_dict({"weight": told[name]})


def _named(model: Any) -> dict[str, nn.Linear]:
    return {
        f"{layer}.{name}": one for layer in range(len(_attentions(model)))
        for name, one in retriever(model, layer)._asdict().items()
    }  # fmt: skip


def _attentions(model: Any) -> list[nn.Module]:
    return [one for _, one in sorted(seam.attention_modules(model).items())]
