"""How surprising each token was to the model that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

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
        first = _surprisal(cache.model, cache.newest, now.tokens[:, :1])
    if now.count == 1:
        return first
    found = _surprisal(cache.model, hidden[:, :-1], now.tokens[:, 1:])
    if now.valid is not None:
        found = found.masked_fill(~now.valid[:, :-1], float("nan"))
    return torch.cat([first, found], 1)


def _surprisal(model: PreTrainedModel, hidden: Tensor, ids: Tensor, step: int = 512) -> Tensor:
    """Minus the logarithm of the probability of `ids` `[B, T]`, nats, float32.

    Args:
        hidden: `[B, T, d]` the decoder's output at the tokens before each of them.
        step: tokens whose logits are held at a time.
    """
    head = model.get_output_embeddings()
    found = []
    for piece, told in zip(hidden.split(step, 1), ids.split(step, 1), strict=True):
        logp = head(piece).float().log_softmax(-1)
        found.append(-logp.gather(-1, told[..., None])[..., 0])
    return torch.cat(found, 1)
