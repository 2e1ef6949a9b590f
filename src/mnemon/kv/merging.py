"""Steps that methods share which merge evicted tokens into kept ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as functional

from mnemon.kv import packed
from mnemon.kv.stored import Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.stored import Codec
    from mnemon.kv.view import LayerView

_STEP = 256


def evicted(view: LayerView, kept: Tensor) -> Tensor:
    """`[B, Hkv, C]` booleans: the candidates that are there and not kept."""
    gone = ~kept
    return gone if view.present is None else gone & view.present[..., : kept.shape[2]]


def anchors(view: LayerView, kept: Tensor) -> Tensor:
    """`[B, Hkv, C]` booleans: kept tokens that others may be merged into; no protected sinks."""
    free = kept.clone()
    free[..., : view.sinks] = False
    return free


def nearest(keys: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """For each key, the most similar one `among` some, by cosine.

    Args:
        keys: `[B, H, C, D]`. among: `[B, H, C]` booleans.

    Returns:
        places `[B, H, C]` and cosines `[B, H, C]`, float32; minus infinity if there is none.
    """
    unit = functional.normalize(keys.float(), dim=-1)
    places, cosines = [], []
    for piece in torch.split(unit, _STEP, 2):  # never all pairs at once
        likeness = torch.matmul(piece, unit.transpose(2, 3))
        likeness.masked_fill_(~among[:, :, None], float("-inf"))
        best = likeness.max(-1)
        places.append(best.indices)
        cosines.append(best.values)
    return torch.cat(places, 2), torch.cat(cosines, 2)


def merge(dense: Tensor, into: Tensor, weights: Tensor) -> Tensor:
    """Weighted means of the entries that go into the same place; others to the last bit as before.

    Args:
        dense: `[B, H, C, D]`. into: `[B, H, C]` the place that each entry goes into, its own place
            if nowhere. weights: `[B, H, C]`.
    """
    index = into[..., None].expand_as(dense)
    total = torch.zeros_like(weights).scatter_add_(2, into, weights)
    sums = torch.zeros_like(dense, dtype=torch.float32)
    sums.scatter_add_(2, index, dense.float() * weights[..., None])
    arrivals = torch.zeros_like(into).scatter_add_(2, into, torch.ones_like(into))
    means = (sums / total.clamp_min(1e-30)[..., None]).to(dense.dtype)
    return torch.where((arrivals > 1)[..., None], means, dense)


def own_places(kept: Tensor) -> Tensor:
    """`[B, H, C]`: each entry's own place."""
    return torch.arange(kept.shape[-1], device=kept.device).expand(kept.shape)


def exact_store(
    codec: Codec,
    view: LayerView,
    kept: Tensor,
    keys: Tensor,
    values: Tensor,
    notes: dict[str, tuple[Tensor, int]] | None = None,
) -> Stored:
    """A store of kept keys and values `[B, Hkv, C, D]` in the model's own precision.

    Args:
        notes: further parts of the codec with their spans.
    """
    parts = {"keys": packed.pack(keys, kept), "values": packed.pack(values, kept)}
    spans = dict.fromkeys(parts, 1)
    for name, (part, span) in (notes or {}).items():
        parts[name], spans[name] = part, span
    lengths = packed.lengths_of(kept)
    return Stored(codec, lengths, parts, spans, view.keys.dtype, view.noted(kept))
