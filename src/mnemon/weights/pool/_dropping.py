"""Which latents leave a pool: at random, by a seed and the number of the update."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor


def split(layers: int, held: int, dropped: int, seed: int, update: int) -> tuple[Tensor, Tensor]:
    """Indices that stay `[L, held - dropped]` and that leave `[L, dropped]`, each in order.

    Layers draw apart. The same seed and update give the same ones, on every machine.
    """
    rng = np.random.default_rng([seed, update])
    drawn = np.stack([rng.permutation(held) for _ in range(layers)])
    leaving, staying = np.sort(drawn[:, :dropped]), np.sort(drawn[:, dropped:])
    return torch.from_numpy(staying), torch.from_numpy(leaving)


def taken(tensor: Tensor, at: Tensor) -> Tensor:
    """Of `[L, n, …]` the rows `[L, k]` of each layer."""
    layers = torch.arange(len(tensor), device=tensor.device)[:, None]
    return tensor[layers, at.to(tensor.device)]
