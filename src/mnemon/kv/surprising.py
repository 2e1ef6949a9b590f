"""How surprising each token was to the model that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.cache import KVCache
    from mnemon.kv.passing import Passing


def of_pass(cache: KVCache, now: Passing, hidden: Tensor) -> Tensor:
    """Of the pass's tokens, `[B, count]`; NaN where nothing, or padding, came before."""
    if now.tokens.dim() != 2:
        raise InvalidInput(
            f"policy {str(cache.policy)!r} needs the tokens themselves: pass `input_ids`, not"
            " `inputs_embeds`"
        )
    first = hidden.new_full((hidden.shape[0], 1), float("nan"), dtype=torch.float32)
    if cache.newest is not None:
        first = seam.surprisal(cache.model, cache.newest, now.tokens[:, :1])
    if now.count == 1:
        return first
    found = seam.surprisal(cache.model, hidden[:, :-1], now.tokens[:, 1:])
    if now.valid is not None:
        found = found.masked_fill(~now.valid[:, :-1], float("nan"))
    return torch.cat([first, found], 1)
