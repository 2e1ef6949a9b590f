"""A table whose rows are looked up by number, all of it in memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Table(nn.Module):
    """Rows `[N, W]`, normal with deviation 1 at first."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, width))

    def forward(self, rows: Tensor) -> Tensor:
        """The rows of these numbers `[...]`, as `[..., W]`."""
        return functional.embedding(rows, self.weight)
