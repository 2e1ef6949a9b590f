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
        self._size = max(size, _NEWEST)
        self.latents = [torch.zeros(0, 0, width, device=device)] * layers
        self.things = torch.zeros(0, dtype=torch.int64, device=device)

    def __len__(self) -> int:
        return len(self.things)

    def add(self, new: list[Tensor], told: Tensor) -> None:
        """Keep latents `[n, K, d]` of each layer, of facts with ids `[n, T]`."""
        new = [one.detach()[-self._size :] for one in new]
        held = self.latents if len(self) else [one[:0] for one in new]
        self.latents = [
            torch.cat([old, one])[-self._size :] for old, one in zip(held, new, strict=True)
        ]
        self.things = torch.cat([self.things, things(told)])[-self._size :]

    def newest(self, rng: np.random.Generator, count: int) -> list[Tensor]:
        """Latents `[count, K, d]` of each layer for the place before a text: of late facts, any."""
        if not len(self):
            return [one.new_zeros(count, 0, one.shape[-1]) for one in self.latents]
        late = min(_NEWEST, len(self))
        at = torch.from_numpy(len(self) - 1 - rng.integers(0, late, count))
        return [one[at.to(one.device)] for one in self.latents]


def things(told: Tensor) -> Tensor:
    """What facts with ids `[n, T]` are about, as numbers `[n]`: a name with its attribute."""
    return told[:, 1] * 2**16 + told[:, 3]
