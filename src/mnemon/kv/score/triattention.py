"""Queries gather round a centre before rotary embedding: it tells which distances they attend to.

TriAttention: Efficient Long Reasoning with Trigonometric KV Compression (Mao et al., 2026),
https://arxiv.org/abs/2604.04921; official code WeianMao/triattention, not copied. With q the mean
query of a head, a pair of channels of a key at distance d gives |q||k| cos(w d + phase); the sum
over pairs is averaged over distances to come, and the part of the queries' length that the
centre does not explain counts for the key's length.
How ours differs: centres are those of the queries held (the prompt's at first, then those since the
last compression), the official code measures them once on a corpus; the candidates are all tokens,
not only generated ones. Not for models without rotary embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from mnemon.kv.needs import Need
from mnemon.kv.score._sketch import counted
from mnemon.kv.score._standard import standardized

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["TriAttention"]


@dataclass(frozen=True)
class TriAttention:
    """The trigonometric series of the mean query, over future distances.

    Attributes:
        offset_max_length: distances ahead are 1, 2, 4, ... up to this many tokens.
        disable_mlr: let the keys' length count in full, whatever the centre explains.
        disable_trig: leave the distances out.
    """

    offset_max_length: int = 65536
    disable_mlr: bool = False
    disable_trig: bool = False

    needs: ClassVar = frozenset({Need.PRE_ROPE, Need.ALL_QUERIES})
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`: the best of the key head's query heads, each standardized."""
        assert view.rope is not None
        speeds = view.rope.frequencies(view.keys.device)
        pairs = len(speeds)
        queries = _complex(view.pre_rope_queries, pairs)
        keys = _complex(view.pre_rope_keys, pairs).repeat_interleave(view.groups, 1)
        centre = queries.mean(2, keepdim=True)
        length = queries.abs().mean(2, keepdim=True)
        unexplained = length if self.disable_mlr else length - centre.abs()
        scores = (unexplained * keys.abs()).sum(-1)
        if not self.disable_trig:
            scores = scores + self._series(view, centre, keys, speeds)
        there = counted(view).repeat_interleave(view.groups, 1)
        each = standardized(scores, there, 2)
        return each.reshape(*view.keys.shape[:2], view.groups, -1).amax(2)

    def _series(self, view: LayerView, centre: Tensor, keys: Tensor, speeds: Tensor) -> Tensor:
        """`[B, Hq, T]`."""
        assert view.positions is not None
        powers = range(self.offset_max_length.bit_length())
        ahead = torch.tensor([float(1 << power) for power in powers], device=speeds.device)
        mean = torch.polar(torch.ones_like(ahead[:, None] * speeds), ahead[:, None] * speeds)
        distance = (view.positions[..., -1:] - view.positions).float()
        angle = distance.repeat_interleave(view.groups, 1)[..., None] * speeds
        turned = centre * mean.mean(0) * torch.polar(torch.ones_like(angle), angle)
        series = (turned * keys.conj()).real.sum(-1)
        rest = view.pre_rope_keys[..., 2 * len(speeds) :].float()  # channels that do not turn
        still = view.pre_rope_queries[..., 2 * len(speeds) :].float().mean(2, keepdim=True)
        return series + (still * rest.repeat_interleave(view.groups, 1)).sum(-1)


def _complex(heads: Tensor, pairs: int) -> Tensor:
    """Channels i and i + pairs as one complex number: `[B, H, T, pairs]`."""
    wide = heads.float()
    return torch.complex(wide[..., :pairs].contiguous(), wide[..., pairs : 2 * pairs].contiguous())
