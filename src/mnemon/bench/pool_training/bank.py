"""Latents of facts of earlier steps: what stands before a text, and what else a store holds."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_NEWEST = 64


class Bank:
    """The last facts that were written, without gradients.

    Attributes:
        latents: `[M, K, d]` of each layer, oldest first; none at first.
        things: `[M]`, what each fact is about.
    """

    def __init__(self, size: int, layers: int, width: int, device: torch.device) -> None:
        self._size = size
        self.latents = [torch.zeros(0, 0, width, device=device)] * layers
        self.things = torch.zeros(0, dtype=torch.int64, device=device)
        self._late = self.latents

    def __len__(self) -> int:
        return len(self.things)

    def add(self, rng: np.random.Generator, new: list[Tensor], told: Tensor) -> None:
        """Keep latents `[n, K, d]` of each layer, of facts with ids `[n, T]`."""
        new = [one.detach() for one in new]
        late = torch.from_numpy(rng.permutation(len(told))[:_NEWEST]).to(told.device)
        self._late = [one[late] for one in new]
        kept = max(0, len(self) + len(told) - self._size)
        held = self.latents if len(self) else [one[:0] for one in new]
        self.latents = [torch.cat(both)[kept:] for both in zip(held, new, strict=True)]
        self.things = torch.cat([self.things, things(told)])[kept:]

    def newest(self, rng: np.random.Generator, count: int) -> list[Tensor]:
        """Latents `[count, K, d]` of each layer for the place before a text: of facts that were
        added last, or none, `[count, 0, d]`."""
        if not (late := len(self._late[0])):
            return [one.new_zeros(count, 0, one.shape[-1]) for one in self._late]
        at = torch.from_numpy(rng.integers(0, late, count))
        return [one[at.to(one.device)] for one in self._late]


def things(told: Tensor) -> Tensor:
    """What facts with ids `[n, T]` are about, as numbers `[n]`: a name with its attribute."""
    return told[:, 1] * 2**16 + told[:, 3]
