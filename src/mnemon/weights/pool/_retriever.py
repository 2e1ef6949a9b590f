"""Query and key projectors of each layer: which latents of a store fit a text.

They are submodules of the model's attention modules, as in the published code, so that they are
part of its fingerprint: a store is bound to the projectors that made its keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
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

    query: nn.Sequential
    key: nn.Sequential


def add(model: Any, size: int, seed: int = 0, *, hidden: int = 0) -> None:
    """Give each layer of a model untrained projectors to `size` channels; again makes them anew.

    A layer's two begin as the same map: what is alike fits from the start.

    Args:
        hidden: channels between the two layers of a projector, as in the paper; 0 for one layer.
    """
    rng = torch.Generator().manual_seed(seed)
    like, width = next(model.parameters()), seam.text_config(model).hidden_size
    widths = [width, hidden, size] if hidden else [width, size]
    for module in _attentions(model):
        first = [
            torch.randn(after, before, generator=rng) * before**-0.5
            for before, after in pairwise(widths)
        ]
        for name in (_QUERY, _KEY):
            module.add_module(name, _projector(first).to(like))


def _projector(weights: Sequence[Tensor]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for one in weights:
        after, before = one.shape
        layers += [nn.GELU(), linear := nn.Linear(before, after, bias=False)]
        linear.load_state_dict({"weight": one})
    return nn.Sequential(*layers[1:])


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
    last = list(retriever(model, 0).key.parameters())[-1]
    return len(last)


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
    added = {id(one) for one in _named(model).values()}
    return {
        name: one for name, one in model.state_dict(keep_vars=True).items() if id(one) not in added
    }  # fmt: skip


def save_retriever(model: Any, folder: str | Path) -> None:
    """Write a model's projectors beside its weights."""
    held = {name: one.detach().cpu().contiguous() for name, one in _named(model).items()}
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
    widths = [len(one) for name, one in sorted(told.items()) if name.startswith("0.key.")]
    if not widths:
        raise InvalidInput(f"the {FILE} of {folder} has no projectors: train the model again")
    add(model, widths[-1], hidden=sum(widths[:-1]))
    named = _named(model)
    shapes = {name: one.shape for name, one in named.items()}
    if shapes != {name: one.shape for name, one in told.items()}:
        raise InvalidInput(f"the {FILE} of {folder} was trained with a model of another shape")
    with torch.no_grad():
        for name, one in named.items():
            one.copy_(told[name])


def _named(model: Any) -> dict[str, Tensor]:
    """Weights of all projectors, such as `0.key.0.weight`."""
    return {
        f"{layer}.{name}.{part}": weight for layer in range(len(_attentions(model)))
        for name, one in retriever(model, layer)._asdict().items()
        for part, weight in one.named_parameters()
    }  # fmt: skip


def _attentions(model: Any) -> list[nn.Module]:
    return [one for _, one in sorted(seam.attention_modules(model).items())]
