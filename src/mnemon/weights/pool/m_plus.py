"""A latent pool whose dropped tokens go to a store on the CPU; a retriever fetches them again.

Wang et al. 2025, "M+: Extending MemoryLLM with Scalable Long-Term Memory",
https://arxiv.org/abs/2502.00592; code https://github.com/wangyu-ustc/MemoryLLM at f9c1e35 (MIT).
Each layer has a query and a key projector, trained with the model: the latents of the store whose
keys fit the text best, by the mean over its tokens, stand before the pool, oldest first.
HOW OURS DIFFERS: as `memoryllm` does; the fit is the dot product (there: its sigmoid), since the
mean of sigmoids over a short question did not learn; a full store drops its oldest, as the paper
says, and no recall frequencies are kept (the code decays those); what was dropped can be fetched at
once (there: after some updates); `retrieve="random"` is the control. Needs a model with projectors
(docs/weights-pool.md). Cannot be combined with what `memoryllm` cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mnemon.errors import InvalidInput
from mnemon.weights.pool._cache import choosing
from mnemon.weights.pool._dropping import split, taken
from mnemon.weights.pool._latents import nothing
from mnemon.weights.pool._retriever import fit, keys, retriever, width
from mnemon.weights.pool._updating import checked, pieces, read

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.pool._cache import Choose, LatentCache
    from mnemon.weights.pool._latents import Latents

__all__ = ["MPlus"]

_WAYS = ("trained", "random")


@dataclass(frozen=True)
class MPlus:
    """A latent pool with a long-term store.

    Attributes:
        num_tokens: K, latents a text adds to each layer.
        num_blocks: a token sees num_blocks times K latents a layer at most, num_ltm_blocks times K
            of them from the store; the rest is the pool.
        ltm_tokens: what a layer's store holds at most; the oldest leave for good.
        max_length: tokens of text of one update; a longer text is several.
        retrieve: `trained`, or `random`: any latents of the store, as a control.
        seed: of what is dropped, and of the control.
    """

    num_tokens: int = 256
    num_blocks: int = 50
    num_ltm_blocks: int = 10
    ltm_tokens: int = 150_000
    max_length: int = 512
    retrieve: str = "trained"
    seed: int = 0

    def __post_init__(self) -> None:
        checked(self.num_tokens, self.num_blocks - self.num_ltm_blocks, self.max_length)
        if self.num_ltm_blocks < 1 or self.ltm_tokens < 1:
            raise InvalidInput(
                "M+ fetches from a store: num_ltm_blocks and ltm_tokens are 1 or more"
            )
        if self.retrieve not in _WAYS:
            raise InvalidInput(f"retrieve={self.retrieve!r}: take one of {', '.join(_WAYS)}")

    @property
    def attended(self) -> int:
        """Of pool and store together."""
        return self.num_tokens * self.num_blocks

    def empty(self, model: Any) -> Latents:
        """The pool that has read nothing.

        Raises:
            InvalidInput: the model has no projectors.
        """
        return nothing(model, width(model))

    @torch.no_grad()
    def update(self, model: Any, pool: Latents, ids: Sequence[int]) -> Latents:
        """The pool after a text of token ids.

        Raises:
            InvalidInput: no tokens, or a model without projectors.
        """
        for piece in pieces(ids, self.max_length):
            pool = self._updated(model, pool, read(model, pool, piece, self.num_tokens))
        return pool

    def _updated(self, model: Any, pool: Latents, new: Tensor) -> Latents:
        layers, held, _ = pool.tokens.shape
        most = self.num_tokens * (self.num_blocks - self.num_ltm_blocks)
        stay, leave = split(
            layers, held, max(0, held + new.shape[1] - most), self.seed, pool.updates
        )
        left, born = taken(pool.tokens, leave), taken(pool.born, leave)
        made = torch.full(new.shape[:2], pool.updates, dtype=torch.int32)
        order, kept = self._kept(torch.cat([pool.stored, born], 1))
        return replace(
            pool, updates=pool.updates + 1,
            tokens=torch.cat([taken(pool.tokens, stay), new], 1),
            born=torch.cat([taken(pool.born, stay), made], 1),
            store=taken(torch.cat([pool.store, left.cpu()], 1), order),
            keys=taken(torch.cat([pool.keys, keys(model, left).cpu()], 1), order),
            stored=kept,
        )  # fmt: skip

    def _kept(self, stored: Tensor) -> tuple[Tensor, Tensor]:
        """Which of a store stay, oldest first, and when they were made."""
        kept, order = stored.sort(dim=1, stable=True)
        return order[:, -self.ltm_tokens :], kept[:, -self.ltm_tokens :]

    def cache(self, model: Any, pool: Latents) -> LatentCache:
        """A cache that begins with the pool, and what each layer fetches when it sees the text.

        For one sequence, whose question is given in one pass.
        """
        fetched = min(self.num_ltm_blocks * self.num_tokens, pool.store.shape[1])
        choices = [self._choice(model, pool, one, fetched) for one in range(len(pool.tokens))]
        return choosing(model, choices, fetched + pool.tokens.shape[1])

    def _choice(self, model: Any, pool: Latents, layer: int, count: int) -> Choose:
        query, _ = retriever(model, layer)

        def choose(hidden: Tensor) -> Tensor:
            if len(hidden) != 1:
                raise InvalidInput(f"M+ fetches for one sequence at a time, not {len(hidden)}")
            if self.retrieve == "random":
                rng = np.random.default_rng([self.seed, pool.updates, layer])
                at = torch.from_numpy(rng.permutation(pool.store.shape[1])[:count])
            else:
                at = fit(query(hidden[0]), pool.keys[layer].to(hidden.device)).topk(count).indices
            # The store is in order of age: so is what is fetched, if it is sorted by its place.
            found = pool.store[layer][at.cpu().sort().values].to(hidden.device)
            return torch.cat([found, pool.tokens[layer]])[None]

        return choose
