"""Approximate leverage scores of keys, by a Gaussian sketch from the right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView


def leverage(view: LayerView, dimension: int, seed: int) -> Tensor:
    """Leverage of each pre-RoPE key among its head's keys, in [0, 1]: `[B, Hkv, T]`, float32.

    A key's leverage is what it alone contributes to the row space of the key matrix: near 1 for a
    direction that no other key shares. Heads of D <= `dimension` channels need no sketch.
    """
    keys = view.pre_rope_keys.float()
    there = counted(view)[..., None]
    keys = (keys - (keys * there).sum(2, keepdim=True) / there.sum(2, keepdim=True)) * there
    seen = keys @ _sketch(keys.shape[-1], dimension, seed * 100_003 + view.layer).to(keys.device)
    gram = seen.transpose(2, 3) @ seen
    size = gram.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None]
    ridge = (1e-4 * size + 1e-12) * torch.eye(gram.shape[-1], device=keys.device)
    # The small inverse, then one product: a solve with T right sides is slow on a GPU.
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram + ridge))
    found: Tensor = ((seen @ inverse) * seen).sum(-1)
    return found


def _sketch(channels: int, dimension: int, seed: int) -> Tensor:
    if channels <= dimension:
        return torch.eye(channels)
    maker = torch.Generator().manual_seed(seed)
    return torch.randn(channels, dimension, generator=maker) / math.sqrt(dimension)


def counted(view: LayerView) -> Tensor:
    """What statistics over the keys are made of: neither sinks, outliers by nature, nor padding.

    Returns:
        `[B, Hkv, T]` booleans.
    """
    there = torch.ones(view.keys.shape[:3], dtype=torch.bool, device=view.keys.device)
    there[..., : view.sinks] = False
    return there if view.present is None else there & view.present
