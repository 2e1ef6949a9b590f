"""Importance persists: drop what the queries of a while have found unimportant most often.

Scissorhands: Exploiting the Persistence of Importance Hypothesis for LLM KV Cache Compression at
Test Time (Liu et al., NeurIPS 2023), https://arxiv.org/abs/2305.17118; no code known.
How ours differs: the paper counts; a token that fewer queries have seen would then have the better
count, so ours is the share among the queries that could see the token. Equal shares, which are
common, are told apart by the mean attention. The recent window is the policy's `window`; only
queries since the last compression are in the history. The paper gives later layers more: choose
an allocator for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from mnemon.kv.needs import Need
from mnemon.kv.score._received import above_even

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["Scissorhands"]


@dataclass(frozen=True)
class Scissorhands:
    """The share of the last `window_size` queries that gave a token at least 1 / t."""

    window_size: int = 400

    needs: ClassVar = frozenset({Need.QUERIES})
    question: ClassVar[Literal["aware"]] = "aware"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`."""
        asked = view.asked(self.window_size).shape[2]
        times, mean = above_even(view, self.window_size)
        later = torch.arange(view.tokens, 0, -1, device=times.device)  # queries that can see it
        return times / later.clamp_max(asked) + 1e-3 * mean
