"""Texts written once as a few keys and values a head, read by later texts in place of the words.

Memory³: Language Modeling with Explicit Memory (Yang et al., 2024),
https://arxiv.org/abs/2407.01178; no official code is public. A text is cut into references of at
most 128 tokens; of each, the first half of the layers keep the 8 tokens a head that receive the
most attention. While a text is read or generated, each 64 tokens the five references nearest to
them are attended to beside it. All references stand at the same positions, before the text.
How ours differs: keys and values are quantized to low-bit codes with a scale for 32 channels (the
paper trains a vector quantizer on all its memories); attention counts as the model computes it,
with positions and the causal mask. The paper trains a model to read what its first layers
remember. A model that was not so trained may recall in other layers, from other tokens: `layers`
and `score` say which; docs/kv-episodes.md has what that gives.
Not for models with layers that are not of full attention.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import codes, seam
from mnemon.kv.cache import KVCache
from mnemon.kv.explicit.explicit import Explicit, encoded
from mnemon.kv.policy import Policy
from mnemon.kv.reuse.seeding import check_reusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.layer import KVLayer

__all__ = ["Memory3"]


@dataclass(frozen=True)
class Memory3:
    """How references are written and read.

    Attributes:
        longest: tokens of a reference. tokens: that each head keeps of it.
        layers: which half of the layers remember, or all.
        score: a `kv.score` method; `h2o` is attention received. bits: of a code: 2, 4 or 8.
        retrieved: references that are read at a time. every: tokens after which others are.
    """

    longest: int = 128
    tokens: int = 8
    layers: Literal["first", "last", "all"] = "first"
    score: str = "h2o"
    bits: int = 4
    retrieved: int = 5
    every: int = 64

    def __post_init__(self) -> None:
        codes.check_bits("memory3", self.bits)
        if self.layers not in ("first", "last", "all"):
            raise InvalidInput(f"layers={self.layers!r}: give 'first', 'last' or 'all'")
        if min(self.longest, self.tokens, self.retrieved, self.every) < 1:
            raise InvalidInput(
                f"{self}: a reference has a token or more, of which heads keep one or more; one"
                " reference or more is read, every token or less often"
            )

    def write(self, model: PreTrainedModel, ids: Sequence[int]) -> Explicit:
        """The memory of one reference.

        Raises:
            InvalidInput: it is empty or longer than `longest`, or the model has layers that are
                not of full attention.
        """
        check_reusable(model)
        if not 0 < len(ids) <= self.longest:
            raise InvalidInput(
                f"a reference has 1 to {self.longest} tokens, not {len(ids)}: cut the text"
            )
        policy = replace(Policy.of(self.score), sinks=0, window=1, block=1)
        cache = KVCache(model, policy, self.tokens + 1)
        # The newest token is kept by the policy's window: one more stands there in its place.
        text = torch.tensor([[*ids, ids[0]]], device=model.device)
        with torch.inference_mode():
            seam.forward(model, text, cache, logits_to_keep=1)
        kept = {place: _kept(cache.compressed[place]) for place in self.places(model)}
        return encoded(kept, self.bits)

    def places(self, model: PreTrainedModel) -> range:
        """Places of the layers that remember."""
        count = len(seam.native_layers(model))
        half = count // 2
        halves = {"first": range(half), "last": range(count - half, count)}
        return halves.get(self.layers, range(count))


def _kept(layer: KVLayer) -> tuple[Tensor, Tensor]:
    """Keys and values `[Hkv, n, D]` of what a layer keeps, without the newest token."""
    keys, values = layer.held
    if not layer.stores:
        return keys[0, :, :-1], values[0, :, :-1]
    (store,) = layer.stores
    rows = store.read()
    heads = keys.shape[1]
    return rows.keys.unflatten(0, (heads, -1)), rows.values.unflatten(0, (heads, -1))
