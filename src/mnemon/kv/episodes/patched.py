"""Score tokens by what a prompt put after them attends to: a prompt of ours, never the user's.

The scorer of EpiCache (see `episodic`). The newest `window_size` tokens are always the patched
prompt, which is taken back once the tokens are scored: the scores depend on the conversation
alone, so the declaration says `agnostic` and what was kept may be stored. Not to be used where the
newest tokens are the user's: `snapkv` is for that.
How ours differs: no known difference from the official code's score (the most that any query of
any query head of the group gives a token, the softmax over the cached tokens alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["Patched"]


@dataclass(frozen=True)
class Patched:
    """The most attention that the patched prompt, the newest `window_size` tokens, gives."""

    window_size: int

    needs: ClassVar = frozenset({Need.QUERIES})
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`; the prompt's own tokens score 0."""
        before = view.tokens - view.window
        keys = view.keys[:, :, :before].transpose(2, 3)  # [B, Hkv, D, C]
        asked = view.asked(self.window_size).unflatten(1, (keys.shape[1], -1)).flatten(2, 3)
        logits = torch.matmul(asked, keys).float() * view.scaling  # [B, Hkv, groups * Q, C]
        if view.bias is not None:
            logits = logits + view.bias[:, :, None, :before]
        if view.present is not None:
            logits = logits.masked_fill(~view.present[:, :, None, :before], float("-inf"))
        best = logits.softmax(-1).amax(2)
        return torch.cat([best, best.new_zeros(*best.shape[:2], view.window)], 2)
