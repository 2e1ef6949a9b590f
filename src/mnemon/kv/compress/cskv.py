"""Keys and values are stored as latents of few channels, projected back when they are read.

CSKV: Training-Efficient Channel Shrinking for KV Cache in Long-Context Scenarios (Wang et al.,
2024), https://arxiv.org/abs/2409.10593; official code wln20/CSKV, not copied.
The newest tokens stay whole, as in the paper's two-branch cache.
How ours differs: the paper starts from the SVD of the projection weights and trains the factors on
a layer's reconstruction loss; ours takes the singular vectors of the first compressed text's own
keys and values, head by head, which is that loss's best answer for this text and needs no
training. Later tokens are projected on the same basis. Latents are not quantized. Keys are
compressed after rotary embedding.
"""

from __future__ import annotations

import math
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

__all__ = ["CSKV"]


@dataclass(frozen=True)
class CSKV:
    """Low-rank keys and values.

    Attributes:
        key_ratio, value_ratio: channels of a latent, as a share of a head's.
    """

    key_ratio: float = 0.2
    value_ratio: float = 0.2

    needs: ClassVar = frozenset({Need.STORES})

    def __post_init__(self) -> None:
        if not (0 < self.key_ratio <= 1 and 0 < self.value_ratio <= 1):
            raise InvalidInput(
                f"cskv(key_ratio={self.key_ratio}, value_ratio={self.value_ratio}): give shares"
                " above 0, at most 1"
            )

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """Two latents."""
        ranks = _rank(shape.key, self.key_ratio) + _rank(shape.value, self.value_ratio)
        return ranks * shape.dtype.itemsize

    def fixed_bytes(self, shape: Shape) -> float:
        """Two bases a head, once."""
        if shape.stored:
            return 0.0
        keys = shape.key * _rank(shape.key, self.key_ratio)
        values = shape.value * _rank(shape.value, self.value_ratio)
        return float((keys + values) * shape.dtype.itemsize)

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store: latents `[N, r]` and bases `[R, r, D]` of keys and of values."""
        count = kept.shape[2]
        parts: dict[str, Tensor] = {}
        spans: dict[str, int] = {}
        for name, dense, ratio in (
            ("key", view.keys, self.key_ratio),
            ("value", view.values, self.value_ratio),
        ):
            basis = self._basis(view, name, dense, ratio)
            latents = torch.matmul(dense[:, :, :count], basis.transpose(2, 3))
            parts[f"{name}_latents"] = packed.pack(latents, kept)
            parts[f"{name}_basis"] = basis.flatten(0, 1)
            spans |= {f"{name}_latents": 1, f"{name}_basis": 0}
        lengths = packed.lengths_of(kept)
        return [Stored(self, lengths, parts, spans, view.keys.dtype, view.noted(kept))]

    def read(self, stored: Stored) -> Rows:
        """Rows projected back."""
        keys, values = (
            packed.times(
                stored.parts[f"{name}_latents"], stored.lengths, stored.parts[f"{name}_basis"]
            )
            for name in ("key", "value")
        )
        return Rows(keys, values, stored.lengths)

    def _basis(self, view: LayerView, name: str, dense: Tensor, ratio: float) -> Tensor:
        """`[B, Hkv, r, D]`, orthonormal; the first compression's for good."""
        fresh = main_directions(dense, _rank(dense.shape[-1], ratio))
        for store in view.stores:
            known = (store.lengths > 0)[..., None, None].to(fresh.device)
            fresh = torch.where(known, store.parts[f"{name}_basis"].view_as(fresh), fresh)
        return fresh


def main_directions(dense: Tensor, rank: int) -> Tensor:
    """The first right singular vectors of each head's tokens: `[B, H, T, D]` to `[B, H, r, D]`."""
    tokens = dense.double()
    _, vectors = torch.linalg.eigh(torch.matmul(tokens.transpose(2, 3), tokens))
    main: Tensor = vectors[..., -rank:].transpose(2, 3).flip(2)
    return main.to(dense.dtype).contiguous()


def _rank(channels: int, ratio: float) -> int:
    return max(1, math.ceil(channels * ratio))
