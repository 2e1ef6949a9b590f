"""Keys that no others can stand for, and keys that their neighbourhood looks at, together.

Compactor: Calibrated KV Cache Compression with Approximate Leverage Scores (Chari & Van Durme,
2025), https://arxiv.org/abs/2507.08143; official code vnchari/compactor-vllm, and kvpress
(Apache-2.0), neither copied. Attention is computed inside chunks without the causal mask, so that
each token is judged by what stands around it on both sides; no question is needed.
How ours differs: leverage as in `leverage`; standard scores over the heads of a sequence's layer;
tokens whose queries are no longer held (stored ones) are judged by the queries of the first chunk
that has some. The paper's calibration, which finds how far a text can be compressed, is not
here: a scorer ranks, budgets are the policy's. Not for models without rotary embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch.nn.functional import avg_pool1d

from mnemon.kv.needs import Need
from mnemon.kv.score._sketch import counted, leverage
from mnemon.kv.score._standard import standardized
from mnemon.kv.together import MOST

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["Compactor"]


@dataclass(frozen=True)
class Compactor:
    """Leverage of pre-RoPE keys, blended with chunked non-causal attention.

    Attributes:
        chunk_size: tokens that attend to each other.
        sketch_dimension: rank of the Gaussian sketch. seed: what it is drawn from.
        blending: weight of leverage; attention has the weight 1. Both are standard scores. None:
            the share that is to be dropped, as in kvpress (the official code has 0.5).
        scale: what logits are multiplied by before the softmax; 1, the official code's choice,
            makes it sharper than the model's own.
    """

    chunk_size: int = 256
    sketch_dimension: int = 48
    blending: float | None = None
    scale: float = 1.0
    seed: int = 0

    needs: ClassVar = frozenset({Need.PRE_ROPE, Need.ALL_QUERIES})
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`."""
        there = counted(view)
        outlying = leverage(view, self.sketch_dimension, self.seed)
        looked_at = self._attention(view) * view.values.float().norm(dim=-1)
        looked_at = avg_pool1d(looked_at, 3, stride=1, padding=1)
        weight = 1 - view.room if self.blending is None else self.blending
        looked_at = standardized(looked_at, there, (1, 2))
        return weight * standardized(outlying, there, (1, 2)) + looked_at

    def _attention(self, view: LayerView) -> Tensor:
        """What each token receives inside its chunk: `[B, Hkv, T]`."""
        queries, there, size = view.asked(), counted(view), self.chunk_size
        gone = view.tokens - queries.shape[2]
        first = min(view.tokens, gone + size)
        received = [_inside(self.scale, queries[:, :, : first - gone], view.keys[:, :, :first],
                            there[:, :, :first], 1)]  # fmt: skip
        many = max(1, MOST // (view.keys.shape[0] * queries.shape[1] * size * size))
        start = first
        while start < view.tokens:
            chunks = min(many, (view.tokens - start) // size) or 1
            end = min(view.tokens, start + chunks * size)
            # Sinks are in the first chunk: without padding, everything counts in the others.
            seen = None if view.present is None else there[:, :, start:end]
            asked = queries[:, :, start - gone : end - gone]
            received.append(_inside(self.scale, asked, view.keys[:, :, start:end], seen, chunks))
            start = end
        return torch.cat(received, 2)


def _inside(scale: float, asked: Tensor, keys: Tensor, there: Tensor | None, chunks: int) -> Tensor:
    """Mean weights that keys `[B, Hkv, T, D]` receive from their chunk's queries, summed."""
    keys = keys.unflatten(2, (chunks, -1))
    asked = asked.unflatten(1, (keys.shape[1], -1)).unflatten(3, (chunks, -1))
    groups = asked.shape[2]
    asked = asked.transpose(2, 3).flatten(3, 4)  # [B, Hkv, chunks, groups * Q, D]
    logits = torch.matmul(asked, keys.transpose(3, 4))
    if scale != 1:
        logits = logits.float() * scale
    if there is not None:
        hidden = ~there.unflatten(2, (chunks, -1))[:, :, :, None]
        logits = logits.masked_fill(hidden, torch.finfo(logits.dtype).min)
    received: Tensor = logits.softmax(-1, dtype=torch.float32).sum(3) / groups
    return received.flatten(2, 3)
