"""The layer's input is stored, in low bits; keys and values are made of it again when read.

XQuant: Breaking the Memory Wall for LLM Inference with KV Cache Rematerialization (Tomar et al.,
2025), https://arxiv.org/abs/2508.10395; no official code known.
One input vector stands for a key and a value of every head: where every query head has its own,
that halves the cache before any quantization. Where heads are shared (GQA), the input is first
projected on the singular vectors of the key and of the value weights, as wide as keys and values.
How ours differs: the projected input is coded like KIVI, keys' latents per channel over
`group_size` tokens, values' per token; the input itself per token. The cross-layer variant
(XQuant-CL) is not here. The factors of the weights are made once a model and are no part of the
cache's bytes. All heads of a layer keep the same tokens: those that most would keep.
Needs k_proj, v_proj and a rotary embedding; keys and values are computed anew at every step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import packed
from mnemon.kv.agreement import agreed
from mnemon.kv.codes import check_bits, coded_from, coded_parts, dequantize_tokens, quantize_tokens
from mnemon.kv.compress.drop import Drop
from mnemon.kv.compress.kivi import KIVI
from mnemon.kv.needs import Need
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.projection import Projection
    from mnemon.kv.view import LayerView

__all__ = ["XQuant"]

_WHOLE = 16


@dataclass(frozen=True)
class Inputs:
    """How stored inputs become keys and values.

    Attributes:
        bits, group_size: of the codes. projection: the layer's maps. latent: whether the input was
            projected on the weights' singular vectors.
    """

    bits: int
    group_size: int
    projection: Projection
    latent: bool

    def read(self, stored: Stored) -> Rows:
        """Keys and values made anew."""
        keys, values = (self._per_sequence(one, stored) for one in self.decoded(stored))
        positions = [one[0] for one in _sequences(stored.parts["positions"], stored.lengths)]
        made: tuple[list[Tensor], list[Tensor]] = ([], [])
        for key, value, place in zip(keys, values, positions, strict=True):
            made[0].append(self._keys(key[None], place[None])[0].flatten(0, 1))
            made[1].append(self._values(value[None])[0].flatten(0, 1))
        return Rows(torch.cat(made[0]), torch.cat(made[1]), stored.lengths)

    def decoded(self, stored: Stored) -> tuple[Tensor, Tensor]:
        """What was projected to keys and to values, `[N, d / Hkv]` or latents `[N, D]`."""
        if self.latent:
            rows = self._coder().read(stored)
            return rows.keys, rows.values
        if self.bits == _WHOLE:
            return stored.parts["inputs"], stored.parts["inputs"]
        whole = dequantize_tokens(coded_from(stored.parts, "input"), self.bits)
        return whole, whole

    def encoded(self, view: LayerView, kept: Tensor, keys: Tensor, values: Tensor) -> Stored:
        """The store of inputs or latents by head, `[B, Hkv, C, ...]` each."""
        if self.latent:
            made = self._coder().compress(replace(view, keys=keys, values=values), kept)[0]
            return replace(made, codec=self, dtype=view.keys.dtype)
        inputs = packed.pack(keys, kept)
        parts = {"inputs": inputs}
        if self.bits != _WHOLE:
            coded = quantize_tokens(inputs, self.bits, self.group_size)
            parts = coded_parts("input", coded)
        spans = dict.fromkeys(parts, 1)
        lengths = packed.lengths_of(kept)
        return Stored(self, lengths, parts, spans, view.keys.dtype, view.noted(kept))

    def _coder(self) -> Drop | KIVI:
        return _coder(self.bits, self.group_size)

    def _per_sequence(self, rows: Tensor, stored: Stored) -> list[Tensor]:
        """`[n, Hkv * ...]` of each sequence: the heads' shares side by side."""
        return [one.transpose(0, 1).flatten(1) for one in _sequences(rows, stored.lengths)]

    def _keys(self, inputs: Tensor, positions: Tensor) -> Tensor:
        projection = self.projection
        if not self.latent:
            return projection.keys(projection.key(inputs), positions)
        made = inputs @ projection.factors[0][1]
        bias = projection.key.bias
        return projection.keys(made if bias is None else made + bias, positions)

    def _values(self, inputs: Tensor) -> Tensor:
        projection = self.projection
        if not self.latent:
            return projection.values(projection.value(inputs))
        made = inputs @ projection.factors[1][1]
        bias = projection.value.bias
        return projection.values(made if bias is None else made + bias)


@dataclass(frozen=True)
class XQuant:
    """Rematerialization.

    Attributes:
        bits: of the stored input: 2, 4 or 8; 16: the model's own precision.
        group_size: channels, and for keys' latents tokens, that share a scale.
    """

    bits: int = 4
    group_size: int = 32

    needs: ClassVar = frozenset({Need.HIDDEN, Need.PRE_ROPE, Need.PROJECTION, Need.STORES})

    def __post_init__(self) -> None:
        if self.bits != _WHOLE:
            check_bits("xquant", self.bits)

    def group(self) -> int:
        """Scales of keys' latents cover `group_size` tokens."""
        return 1 if self.bits == _WHOLE else self.group_size

    def token_bytes(self, shape: Shape) -> float:
        """A head's share of the input, and its place in the text."""
        size = shape.dtype.itemsize
        if _latent(shape.key, shape.value, shape.heads, shape.hidden):
            return _coder(self.bits, self.group_size).token_bytes(shape) + 4
        share = shape.hidden // shape.heads
        if self.bits == _WHOLE:
            return share * size + 4
        return share * self.bits / 8 + 2 * size * (share // min(share, self.group_size)) + 4

    def fixed_bytes(self, shape: Shape) -> float:
        """Nothing besides."""
        return 0.0

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store: the coded input, and `positions` `[N]` int32."""
        assert view.hidden is not None and view.projection is not None
        assert view.positions is not None
        heads, width = view.keys.shape[1], view.hidden.shape[2]
        latent = _latent(view.keys.shape[3], view.values.shape[3], heads, width)
        codec = Inputs(self.bits, self.group_size, view.projection, latent)
        _check(codec, view)
        both = agreed(kept, self.group())[:, None].expand_as(kept)
        count = kept.shape[2]
        keys, values = _inputs(codec, view)
        made = codec.encoded(view, both, keys[:, :, :count], values[:, :, :count])
        positions = packed.pack(view.positions[..., :count].to(torch.int32), both)
        meta = {name: note for name, note in made.meta.items() if name != "positions"}
        parts = {**made.parts, "positions": positions}
        return [replace(made, parts=parts, spans={**made.spans, "positions": 1}, meta=meta)]


def _coder(bits: int, group_size: int) -> Drop | KIVI:
    """What codes latents."""
    return Drop() if bits == _WHOLE else KIVI(bits, group_size=group_size)


def _latent(key: int, value: int, heads: int, hidden: int) -> bool:
    """Whether latents are narrower than the input, or it cannot be shared out among the heads."""
    return hidden >= heads * (key + value) or hidden % heads > 0


def _inputs(codec: Inputs, view: LayerView) -> tuple[Tensor, Tensor]:
    """What is stored of each token of the view by head, `[B, Hkv, T, ...]`; stored tokens first."""
    assert view.hidden is not None
    heads = view.keys.shape[1]
    shares = []
    for place in range(2):
        new = view.hidden
        if codec.latent:
            new = new @ codec.projection.factors[place][0]
        shares.append(new.reshape(*new.shape[:2], heads, -1).transpose(1, 2))
    before = view.tokens - view.hidden.shape[1]
    if before:
        there = torch.arange(before) < view.stores[0].lengths[..., None]
        for place, old in enumerate(codec.decoded(view.stores[0])):
            spread = old.new_zeros(*there.shape, old.shape[-1])
            spread[there.to(old.device)] = old
            shares[place] = torch.cat([spread, shares[place]], 2)
    return shares[0], shares[1]


def _check(codec: Inputs, view: LayerView, tokens: int = 4) -> None:
    """Refuse a model whose keys are not what its projection makes of its input."""
    assert view.hidden is not None and view.positions is not None
    newest, positions = view.hidden[:, -tokens:], view.positions[:, 0, -tokens:]
    made = codec.projection.keys(codec.projection.key(newest), positions)
    told = view.keys[:, :, -tokens:]
    if float((made - told).float().norm()) > 0.05 * float(told.float().norm()):
        raise InvalidInput(
            "xquant makes keys anew from the layer's input, and for this model they come out"
            " otherwise: choose another form of storage"
        )


def _sequences(rows: Tensor, lengths: Tensor) -> list[Tensor]:
    """`[Hkv, n, ...]` of each sequence."""
    heads = lengths.shape[1]
    pieces = torch.split(rows, lengths.sum(1).tolist())
    return [piece.reshape(heads, piece.shape[0] // heads, *piece.shape[1:]) for piece in pieces]
