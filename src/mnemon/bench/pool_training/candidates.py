"""What a question of a training step could fetch, and how well it finds what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mnemon.bench.pool_training.bank import Bank, things
from mnemon.bench.pool_training.pools import Pools
from mnemon.weights.pool import _cache as caches
from mnemon.weights.pool import _retriever as retrieving


@dataclass(frozen=True, slots=True)
class Candidates:
    """Latents of all facts of a step, and of the bank's before them.

    Attributes:
        latents: `[n, d]` of each layer.
        own: `[B, n]`, whether a latent is of the fact that one of B questions is about.
        doubled: `[B, n]`, whether it is of an earlier fact about the same thing: its answer would
            be another one, so it is neither right nor wrong.
    """

    latents: list[Tensor]
    own: Tensor
    doubled: Tensor

    @classmethod
    def of(cls, drawn: Pools, new: list[Tensor], bank: Bank) -> Candidates:
        """Of a step whose facts' latents are `new`, `[P * F, K, d]` of each layer."""
        (facts, size, _), (rows, _) = new[0].shape, drawn.about.shape
        held = bank.latents if len(bank) else [one[:0] for one in new]
        every = torch.cat([bank.things, things(drawn.told)])
        first = torch.arange(rows, device=drawn.about.device)[:, None] * (facts // rows)
        asked = (drawn.about + first).flatten() + len(bank)
        same = every[asked][:, None] == every
        own = torch.zeros_like(same).scatter_(1, asked[:, None], True)
        return cls(
            [torch.cat(both).flatten(0, 1) for both in zip(held, new, strict=True)],
            own.repeat_interleave(size, 1), (same & ~own).repeat_interleave(size, 1),
        )  # fmt: skip

    def fits(self, model: Any, layer: int, question: Tensor, *, through: bool) -> Tensor:
        """How well each fits `[B, n]`, to a layer's normed input `[B, T, d]` of questions.

        Args:
            through: whether gradients reach the model, beside the projectors.
        """
        latents = self.latents[layer]
        if not through:
            question, latents = question.detach(), latents.detach()
        query, key = retrieving.retriever(model, layer)
        found = retrieving.fit(query(question), key(caches.normed(model, layer, latents)))
        return found.masked_fill(self.doubled, -torch.inf)

    def nats(self, fits: Tensor) -> Tensor:
        """-log of the share that a fact's own latents have of a softmax over the fit of all."""
        told = fits.log_softmax(-1).masked_fill(~self.own, 0)
        return -(told.sum(-1) / self.own.sum(-1)).mean()
