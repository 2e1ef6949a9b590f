"""A pool of latent tokens in every layer, attended to before the text; reading a text updates it.

Wang et al. 2024, "MEMORYLLM: Towards Self-Updatable Large Language Models",
https://arxiv.org/abs/2402.04624; code https://github.com/wangyu-ustc/MemoryLLM at f2a5085 (MIT).
An update puts the newest K latents of each layer before the text, takes the last K outputs of each
layer as its new latents, and drops as many of the pool at random. HOW OURS DIFFERS: the pool begins
empty and grows to N before anything is dropped (there: random latents that are trained against); a
text of fewer than K tokens gives as many latents as it has tokens (there: queries are padded with
old latents); no learned embedding marks the tokens that become latents, and none stands first.
Needs a model that was trained for it (docs/weights-pool.md): a frozen base does not read its own
outputs. Cannot be combined with models whose keys are not made by `k_proj` and a rotary embedding
of halves, or with adapters that are put on and off between updates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from mnemon.weights.pool._cache import before
from mnemon.weights.pool._dropping import split, taken
from mnemon.weights.pool._latents import nothing
from mnemon.weights.pool._updating import checked, pieces, read

if TYPE_CHECKING:
    from mnemon.weights.pool._cache import LatentCache
    from mnemon.weights.pool._latents import Latents

__all__ = ["MemoryLLM"]


@dataclass(frozen=True)
class MemoryLLM:
    """A latent pool that forgets by chance.

    Attributes:
        num_tokens: K, latents a text adds to each layer. num_blocks: the pool holds N = num_blocks
            times K of them a layer.
        max_length: tokens of text of one update; a longer text is several.
        seed: of what is dropped.
    """

    num_tokens: int = 256
    num_blocks: int = 30
    max_length: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        checked(self.num_tokens, self.num_blocks, self.max_length)

    @property
    def attended(self) -> int:
        """N."""
        return self.num_tokens * self.num_blocks

    def empty(self, model: Any) -> Latents:
        """The pool that has read nothing."""
        return nothing(model)

    @torch.no_grad()
    def update(self, model: Any, pool: Latents, ids: Sequence[int]) -> Latents:
        """The pool after a text of token ids.

        Raises:
            InvalidInput: no tokens.
        """
        for piece in pieces(ids, self.max_length):
            pool = self._updated(pool, read(model, pool, piece, self.num_tokens))
        return pool

    def _updated(self, pool: Latents, new: torch.Tensor) -> Latents:
        layers, held, _ = pool.tokens.shape
        dropped = max(0, held + new.shape[1] - self.attended)
        stay, _ = split(layers, held, dropped, self.seed, pool.updates)
        born = torch.full(new.shape[:2], pool.updates, dtype=torch.int32)
        return replace(
            pool, updates=pool.updates + 1,
            tokens=torch.cat([taken(pool.tokens, stay), new], 1),
            born=torch.cat([taken(pool.born, stay), born], 1),
        )  # fmt: skip

    def cache(self, model: Any, pool: Latents) -> LatentCache:
        """A cache that begins with the pool, for one sequence."""
        return before(model, [one[None] for one in pool.tokens])
