"""What is trained and how: the shape of the model, and everything that decides the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mnemon.bench.recall import SHARES
from mnemon.bench.recall_lm_training.schedule import Phase


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama: pre-norm, RoPE, grouped queries, SwiGLU, tied embeddings."""

    hidden: int = 256
    layers: int = 8
    heads: int = 8
    kv_heads: int = 4
    head_dim: int = 64
    intermediate: int = 640
    theta: float = 500_000.0
    positions: int = 8192


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a run, but for how far a machine gets in its time.

    Attributes:
        seconds: training time; compiling before it does not count.
        phases: lengths of samples, short to long; seconds are scaled to fit.
        tokens: a step's, whatever the length of its samples.
        shares: of contexts with each family of tasks.
        rate, adam_rate: learning rates of Muon (matrices) and AdamW (embedding, norms).
        decay: the share of the time, at its end, over which the rates fall to zero.
        warmup: steps over which they rise.
        rest: the weight of the loss on what is no answer.
        looks: lengths of the held-out samples that are looked at on the way.
    """

    shape: Shape = Shape()
    seconds: float = 400.0
    phases: tuple[Phase, ...] = (
        Phase((256,), 28), Phase((512,), 22), Phase((1024,), 30), Phase((2048,), 40),
        Phase((4096,), 60), Phase((256, 512, 1024, 2048, 4096, 4096, 8192, 8192), 220),
    )  # fmt: skip
    tokens: int = 131_072
    shares: Mapping[str, float] = field(default_factory=lambda: {**SHARES, "multivalue": 0.2})
    rate: float = 0.015
    adam_rate: float = 0.002
    weight_decay: float = 0.02
    rest: float = 0.15
    warmup: int = 100
    decay: float = 0.5
    looks: tuple[int, ...] = (1024, 4096)
    seed: int = 1


def refining() -> Recipe:
    """The recipe of a second stage, after the first: gentler, and no short samples.

    Several values of a key and dense pairs are what a first stage has last and least.
    """
    phases = (Phase((512, 1024, 2048, 4096, 4096, 8192, 8192), 180),)
    shares = {**SHARES, "multivalue": 0.3, "kv": 0.3, "cwe": 0.06}
    return Recipe(
        Shape(), 180.0, phases, shares=shares, rate=0.008, adam_rate=0.001, warmup=50, decay=0.8,
        seed=2,
    )  # fmt: skip


def nano() -> Recipe:
    """The recipe of the small sibling, for smoke tests."""
    shape = Shape(128, 4, 4, 2, 32, 384, positions=2048)
    phases = (
        Phase((256,), 30), Phase((512,), 12), Phase((1024,), 13),
        Phase((256, 512, 1024, 2048, 2048), 20),
    )  # fmt: skip
    return Recipe(shape, 75.0, phases, shares=SHARES, decay=0.3, looks=(512, 2048))
