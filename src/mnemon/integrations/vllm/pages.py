"""vLLM's paged keys and values, and ours `[Hkv, T, D]`.

Both are after rotary embedding: vLLM rotates before it writes a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor


def split(layer: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """Keys and values of a layer's pages, views of it, each `[B, N, Hkv, D]` (B pages of N tokens).

    Args:
        layer: `[2, B, N, Hkv, D]` (FlashAttention), `[B, 2, N, Hkv, D]` (FlashInfer, Triton), or
            `[B, Hkv, N, 2 * D]`, keys before values (the standard view of newer versions).
        block: N.

    Raises:
        InvalidInput: it is none of them, or could be two.
    """
    shape = tuple(layer.shape)
    if len(shape) == 5 and shape[2] == block and shape[:2].count(2) == 1:
        axis = shape.index(2)
        keys, values = layer.unbind(axis)
        return keys, values
    if len(shape) == 4 and shape[2] == block and shape[3] % 2 == 0:
        keys, values = layer.transpose(1, 2).chunk(2, -1)
        return keys, values
    raise InvalidInput(
        f"a layer's pages are of the shape {list(shape)} with {block} tokens a page, and"
        " MnemonConnector knows [2, pages, tokens, heads, channels], [pages, 2, tokens, heads,"
        " channels] and [pages, heads, tokens, 2 * channels]: choose another --attention-backend"
    )


def gather(layer: Tensor, block: int, pages: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Keys and values that pages hold, in their order: copies, each `[Hkv, T, D]`."""
    chosen = torch.as_tensor(pages, device=layer.device)
    keys, values = (_joined(one[chosen]) for one in split(layer, block))
    return keys, values


def scatter(layer: Tensor, block: int, pages: Sequence[int], keys: Tensor, values: Tensor) -> None:
    """Write keys and values `[Hkv, T, D]` into as many pages as they fill.

    Raises:
        InvalidInput: they are of another shape or type than the pages.
    """
    chosen = torch.as_tensor(pages, device=layer.device)
    for there, given in zip(split(layer, block), (keys, values), strict=True):
        heads, tokens, channels = given.shape
        fitting = (heads, channels) == tuple(there.shape[2:]) and tokens == block * len(pages)
        if not fitting or given.dtype != there.dtype:
            raise InvalidInput(
                f"{tokens} tokens of {heads} heads of {channels} channels in {given.dtype} are not"
                f" {len(pages)} pages of {list(there.shape[1:])} in {there.dtype}"
            )
        paged = given.transpose(0, 1).reshape(len(pages), block, heads, channels)
        there[chosen] = paged.to(layer.device)


def _joined(paged: Tensor) -> Tensor:
    return paged.flatten(0, 1).transpose(0, 1).contiguous()
