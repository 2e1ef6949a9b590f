"""A segment's latent: the keys and values that the model makes of it, as one vector, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam

if TYPE_CHECKING:
    from torch import Tensor


class Latent(NamedTuple):
    """Keys `[Hkv, T, D]`, rotated for places from 0, and values `[Hkv, T, Dv]` of each layer."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]


@torch.no_grad()
def encoded(model: Any, ids: Sequence[int]) -> Latent:
    """What a model makes of a text that stands alone. One at a time: in a batch, the last bits of
    one would depend on the others, and it could not be taken out again exactly.

    Raises:
        InvalidInput: not all of the model's layers are plain full attention.
    """
    cache: Any = seam.native_cache(model)
    if not all(seam.is_full(layer) for layer in cache.layers):
        raise InvalidInput(
            f"{type(model).__name__} has layers that keep no keys and values of the whole text: a "
            "latent memory serves models of full attention"
        )
    given = torch.tensor([list(ids)], device=model.device)
    seam.forward(model, given, cache, logits_to_keep=1)
    return Latent(
        tuple(layer.keys[0].float().cpu() for layer in cache.layers),
        tuple(layer.values[0].float().cpu() for layer in cache.layers),
    )


def layout(latent: Latent) -> Tensor:
    """Hkv, D and Dv of each layer, `[L, 3]`."""
    pairs = zip(latent.keys, latent.values, strict=True)
    return torch.tensor([[k.shape[0], k.shape[2], v.shape[2]] for k, v in pairs])


def flat(latent: Latent, tokens: int) -> Tensor:
    """One vector `[tokens * (C + 1)]`: of each place, its keys and values and a one if it is taken.

    Raises:
        InvalidInput: the latent has more than `tokens` tokens.
    """
    count = latent.keys[0].shape[1]
    if count > tokens:
        raise InvalidInput(f"a segment has {count} tokens, and the memory takes {tokens} at most")
    parts = [one.transpose(0, 1).flatten(1) for one in (*latent.keys, *latent.values)]
    rows = torch.cat([*parts, torch.ones(count, 1)], 1)
    return torch.nn.functional.pad(rows, (0, 0, 0, tokens - count)).flatten()


def cache_of(model: Any, vector: Tensor, layout: Tensor) -> Any:
    """A cache of transformers with the keys and values that `flat` made a vector of."""
    sizes = layout.tolist()
    widths = [h * d for h, d, _ in sizes] + [h * dv for h, _, dv in sizes]
    rows = vector.reshape(-1, sum(widths) + 1)
    rows = rows[: int((rows[:, -1] > 0.5).sum())]
    parts = rows[:, :-1].split(widths, 1)
    heads = [h for h, _, _ in sizes] * 2
    made = [
        part.unflatten(1, (count, -1)).transpose(0, 1)[None]
        for part, count in zip(parts, heads, strict=True)
    ]
    return filled(model, made[: len(sizes)], made[len(sizes) :])


def filled(model: Any, keys: Sequence[Tensor], values: Sequence[Tensor]) -> Any:
    """A cache of transformers with these, `[1, Hkv, T, D]` a layer."""
    cache, like = seam.native_cache(model), next(model.parameters())
    for place, (key, value) in enumerate(zip(keys, values, strict=True)):
        cache.update(key.to(like), value.to(like), place)
    return cache
