"""Small layers are worked on together: many small launches cost a GPU's host more than the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from mnemon.kv.view import LayerView

# Numbers of keys that are worked on at once; larger layers keep a GPU busy one by one.
MOST = 1 << 23


def runs(views: Sequence[LayerView]) -> Iterator[slice]:
    """Neighbouring layers of one shape, as many at a time as are small enough."""
    start = 0
    while start < len(views):
        keys = views[start].keys
        end = start + 1
        while (
            end < len(views)
            and views[end].keys.shape == keys.shape
            and views[end].values.shape == views[start].values.shape
            and (end + 1 - start) * keys.numel() <= MOST
        ):
            end += 1
        yield slice(start, end)
        start = end


def stacked(layers: Sequence[Tensor]) -> Tensor:
    """Tensors of one shape as `[L, ...]`; one alone is not copied."""
    return layers[0][None] if len(layers) == 1 else torch.stack(list(layers))


def heads_of(layers: Sequence[Tensor], candidates: int) -> Tensor:
    """The first tokens of heads `[B, Hkv, T, D]`, of all layers: `[L * B * Hkv, C, D]`."""
    return stacked([one[:, :, :candidates] for one in layers]).flatten(0, 2)


def parted(together: Tensor, sizes: Sequence[int]) -> Sequence[Tensor]:
    """A packed tensor as one for each layer, each in storage of its own."""
    if len(sizes) == 1:
        return [together]
    parts = [together.new_empty(size, *together.shape[1:]) for size in sizes]
    if len(together):  # with nothing to copy, CUDA's kernel divides by zero
        torch.split_with_sizes_copy(together, list(sizes), out=parts)
    return parts
