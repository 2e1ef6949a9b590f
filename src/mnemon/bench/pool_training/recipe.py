"""What is trained, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolRecipe:
    """A training of a small model, all its weights, for a latent pool.

    Attributes:
        num_tokens, num_blocks: of the pool: K, and N / K.
        num_ltm_blocks: of those, fetched from a store, in the last stage.
        steps: optimizer steps of all weights; then `store_steps` of the last stage, every second
            one with a store; then `retriever_steps` of the projectors alone.
        written: facts read a step, in pools of 2 to `most` facts; at first to
            `fewest`, and it rises over `growing` (share of the steps).
        bank: facts of earlier steps whose latents the retriever tells from the right ones, and
            that are in the store of the last stage.
        asked: questions a step. unrelated: rows of filler of 32 tokens after full pools.
        rate, store_rate: of AdamW, and `retriever_rate` for the projectors; all rise over `warmup`
            steps and fall to zero over the last `decay` (share of a stage's steps).
        channels: of what the projectors give; hidden: between their two layers, 0 for one layer.
        rest: weight of the loss of filler. found: of the retriever's in the last stage, where its
            gradient reaches the model; 0: it reaches the projectors alone.
        seed: of everything drawn.
    """

    num_tokens: int = 4
    num_blocks: int = 16
    num_ltm_blocks: int = 4
    steps: int = 200
    store_steps: int = 0
    retriever_steps: int = 200
    written: int = 96
    fewest: int = 4
    most: int = 32
    growing: float = 0.3
    bank: int = 0
    asked: int = 96
    unrelated: int = 4
    rate: float = 1e-3
    store_rate: float = 5e-4
    retriever_rate: float = 1e-2
    channels: int = 64
    hidden: int = 0
    warmup: int = 20
    decay: float = 0.5
    rest: float = 0.15
    found: float = 0.3
    seed: int = 0

    @property
    def size(self) -> int:
        """N."""
        return self.num_tokens * self.num_blocks

    @property
    def whole(self) -> int:
        """Steps of all stages."""
        return self.steps + self.store_steps + self.retriever_steps

    @property
    def fetched(self) -> int:
        """Latents of N that come from the store."""
        return self.num_tokens * self.num_ltm_blocks

    def factor(self, step: int, steps: int) -> float:
        """What the rates are multiplied with at a step of a stage of so many."""
        rising = min(1.0, (step + 1) / self.warmup)
        return rising * max(0.01, min(1.0, (1 - step / steps) / self.decay))

    def retriever_factor(self, step: int) -> float:
        """What the projectors' rate is multiplied with at a step of theirs alone."""
        return max(0.01, 1 - step / self.retriever_steps)

    def facts(self, step: int) -> int:
        """The most facts of a pool at a step."""
        grown = min(1.0, (step / self.steps) / self.growing) if self.growing else 1.0
        return round(self.fewest + (self.most - self.fewest) * grown)


LONG = PoolRecipe(
    steps=1200, store_steps=800, retriever_steps=0, written=512, asked=512, bank=2048,
    unrelated=16, rate=2e-3, store_rate=1e-3, retriever_rate=3e-3, hidden=256, warmup=100, rest=0.3,
)  # fmt: skip
"""With the last stage, for a CUDA device."""
