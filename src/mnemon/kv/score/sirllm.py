"""Keep what was unexpected: names, numbers, anything the model could not have guessed.

SirLLM: Streaming Infinite Retentive LLM (Yao et al., ACL 2024),
https://arxiv.org/abs/2405.12528; official code Zoeyyao27/SirLLM, not copied. Its "token entropy"
is the surprisal of the token that came, -log p(token | text before).
How ours differs: 1 is one of three decay ratios that the official README gives by data (1, 0.9,
0.7); old scores fade at each compression of a budget in tokens or bytes, not at each
turn (under a fraction, what is stored stays and nothing fades); positions stay the original ones
unless the policy says `rerotate`, which is what the paper does. All heads and layers keep the same
tokens, as in the paper: not to be combined with an allocator that gives heads different amounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mnemon.errors import InvalidInput
from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["SirLLM"]


@dataclass(frozen=True)
class SirLLM:
    """Surprisal, nats; what is stored already counts `decay_ratio` times what it did before."""

    decay_ratio: float = 1.0

    needs: ClassVar = frozenset({Need.SURPRISAL, Need.BEFORE})
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = True

    def __post_init__(self) -> None:
        if not 0 < self.decay_ratio <= 1:
            raise InvalidInput(f"decay_ratio={self.decay_ratio}: give a number in (0, 1]")

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`, the same for every head."""
        assert view.surprisal is not None
        told = view.surprisal
        most = told.nan_to_num(0).amax(-1, keepdim=True)
        told = told.where(~told.isnan(), most)  # nothing could foretell the first token
        fresh = view.keys.new_zeros(view.keys.shape[:3], dtype=told.dtype)
        fresh[..., view.tokens - told.shape[1] :] = told[:, None]
        if view.before is None:
            return fresh
        return fresh.where(view.before.isnan(), view.before * self.decay_ratio)
