"""Key channels that the newest queries hardly use are left out, head by head.

ThinK: Thinner Key Cache by Query-Driven Pruning (Xu et al., ICLR 2025),
https://arxiv.org/abs/2407.21018; official code SalesforceAIResearch/ThinK (Apache 2.0), not
copied.
A channel's score is the norm of the window's queries in it times the norm of the keys; the lowest
`pruning_ratio` of channels go. Keys are really stored `[N, D']`, with the list of channels.
How ours differs: keys are read back with zeros in the channels that went, which gives the same
logits as queries cut to the channels that stayed; tokens stored later keep the first list; the
queries of a key head's group are taken together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import packed
from mnemon.kv.needs import Need
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.view import LayerView

__all__ = ["ThinK"]


@dataclass(frozen=True)
class Thin:
    """How thin keys are read.

    Attributes:
        width: channels of a whole key.
    """

    width: int

    def read(self, stored: Stored) -> Rows:
        """Keys with zeros where channels went."""
        thin, values = stored.parts["keys"], stored.parts["values"]
        channels = packed.by_entry(stored.parts["channels"].long(), stored.lengths)
        keys = thin.new_zeros(thin.shape[0], self.width).scatter_(-1, channels, thin)
        return Rows(keys, values, stored.lengths)


@dataclass(frozen=True)
class ThinK:
    """Thin keys, whole values.

    Attributes:
        pruning_ratio: share of key channels that go, in [0, 1).
        window_size: newest queries that say which.
    """

    pruning_ratio: float = 0.4
    window_size: int = 32

    needs: ClassVar = frozenset({Need.QUERIES, Need.STORES})

    def __post_init__(self) -> None:
        if not 0 <= self.pruning_ratio < 1:
            raise InvalidInput(f"think(pruning_ratio={self.pruning_ratio}): give a share below 1")

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """The channels that stay."""
        return (self._stay(shape.key) + shape.value) * shape.dtype.itemsize

    def fixed_bytes(self, shape: Shape) -> float:
        """The list of channels, two bytes each."""
        return 0.0 if shape.stored else 2.0 * self._stay(shape.key)

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store: `keys` `[N, D']`, `values` `[N, Dv]`, `channels` `[R, D']`."""
        count = kept.shape[2]
        channels = self._channels(view)
        places = channels.long()[:, :, None].expand(-1, -1, count, -1)
        parts = {
            "keys": packed.pack(view.keys[:, :, :count].gather(-1, places), kept),
            "values": packed.pack(view.values[:, :, :count], kept),
            "channels": channels.flatten(0, 1),
        }
        spans = {"keys": 1, "values": 1, "channels": 0}
        lengths = packed.lengths_of(kept)
        codec = Thin(view.keys.shape[-1])
        return [Stored(codec, lengths, parts, spans, view.keys.dtype, view.noted(kept))]

    def _stay(self, channels: int) -> int:
        return channels - int(channels * self.pruning_ratio)

    def _channels(self, view: LayerView) -> Tensor:
        """The channels that stay, `[B, Hkv, D']`, rising; the first compression's for good."""
        scores = channel_scores(view, self.window_size)
        best = scores.topk(self._stay(scores.shape[-1]), -1).indices.sort(-1).values
        fresh = best.to(torch.int16)
        for store in view.stores:
            known = (store.lengths > 0)[..., None].to(fresh.device)
            fresh = torch.where(known, store.parts["channels"].view_as(fresh), fresh)
        return fresh


def channel_scores(view: LayerView, window_size: int) -> Tensor:
    """How much each key channel weighs in the newest queries' logits, `[B, Hkv, D]`."""
    asked = view.asked(window_size)
    asked = asked.reshape(*view.keys.shape[:2], -1, asked.shape[-1])
    sizes: Tensor = torch.linalg.vector_norm(asked.float(), dim=2)
    return sizes * torch.linalg.vector_norm(view.keys.float(), dim=2)
