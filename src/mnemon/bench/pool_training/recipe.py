"""What is trained, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolRecipe:
    """A training of a small model, all its weights, for a latent pool.

    Attributes:
        num_tokens, num_blocks: of the pool: K, and N / K.
        steps: optimizer steps of all weights; then `retriever_steps` of the projectors alone.
        written: facts read a step, in pools of 2 to `most` facts; at first to
            `fewest`, and it rises over `growing` (share of the steps).
        asked: questions a step. unrelated: rows of filler of 32 tokens after full pools.
        rate: of AdamW, and `retriever_rate` for the projectors, of `channels` channels; both rise
            over `warmup` steps and fall to zero over the last `decay` (share of the steps).
        rest: weight of the loss of filler.
        seed: of everything drawn.
    """

    num_tokens: int = 4
    num_blocks: int = 16
    steps: int = 200
    retriever_steps: int = 200
    written: int = 96
    fewest: int = 4
    most: int = 32
    growing: float = 0.3
    asked: int = 96
    unrelated: int = 4
    rate: float = 1e-3
    retriever_rate: float = 1e-2
    channels: int = 64
    warmup: int = 20
    decay: float = 0.5
    rest: float = 0.15
    seed: int = 0

    @property
    def size(self) -> int:
        """N."""
        return self.num_tokens * self.num_blocks

    def factor(self, step: int) -> float:
        """What the rates are multiplied with at a step."""
        rising = min(1.0, (step + 1) / self.warmup)
        return rising * max(0.01, min(1.0, (1 - step / self.steps) / self.decay))

    def retriever_factor(self, step: int) -> float:
        """What the projectors' rate is multiplied with at a step of theirs alone."""
        return max(0.01, 1 - step / self.retriever_steps)

    def facts(self, step: int) -> int:
        """The most facts of a pool at a step."""
        grown = min(1.0, (step / self.steps) / self.growing) if self.growing else 1.0
        return round(self.fewest + (self.most - self.fewest) * grown)
