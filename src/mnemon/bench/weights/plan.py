"""What all sections of the bench share: the model, the method, and how facts are told to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from mnemon import methods
from mnemon.bench import bases
from mnemon.bench.bases import Base
from mnemon.bench.weights.facts import Fact
from mnemon.cube import Draft, MemCube
from mnemon.memory import Memory
from mnemon.models.extras import require
from mnemon.weights import Consolidated, consolidate
from mnemon.weights.ask import ASK
from mnemon.weights.lesson import Pair, lesson, pairs
from mnemon.weights.write import Write

NAMESPACE = "bench"
MOST = 8
"""Tokens of an answer; facts have four at most, and one that goes on is wrong."""
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Bench:
    """A frozen model, and a method of the slot `weights.write` with its options."""

    model: Any
    tokenizer: Any
    method: str = "lora"
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    phrasings: int = 1

    @property
    def subjects(self) -> int:
        """How many share a shard."""
        writer: Write = methods.load("weights.write", self.method, **self.options)
        return writer.subjects

    def consolidated(self, memory: Memory) -> Consolidated:
        """Train what no fresh adapter of a memory has."""
        return consolidate(
            memory, self.model, self.tokenizer, method=self.method, phrasings=self.phrasings,
            **self.options,
        )  # fmt: skip

    def drawn(self, what: int, count: int, among: int) -> list[int]:
        """So many of `among` numbers, sorted; others for another `what`."""
        rng = np.random.default_rng([self.seed, what])
        drawn: list[int] = rng.choice(among, count, replace=False).tolist()
        return sorted(drawn)

    def pairs(self, told: Sequence[Fact]) -> list[tuple[Pair, ...]]:
        """What each fact gives to be trained on, as `consolidate` makes it."""
        with Memory(":memory:", namespace=NAMESPACE) as memory:
            cubes = tell(memory, told)
            read = [lesson(cubes[one.subject]) for one in told]
        return [pairs(one, self.tokenizer, ASK, self.phrasings) for one in read if one is not None]


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds."""

    wall: float
    cpu: float


def bench(base: Base, method: str, options: dict[str, Any], seed: int, phrasings: int = 1) -> Bench:
    """A model that asks for no gradient; of a shape, its random weights are those of the seed."""
    require("torch", "torch", "weights").manual_seed(seed)
    model, tokenizer = bases.load(base)
    return Bench(model.requires_grad_(False), tokenizer, method, options, seed, phrasings)


def tell(memory: Memory, told: Sequence[Fact]) -> dict[str, MemCube]:
    """Add facts; their cubes by subject."""
    cubes = memory.add([Draft(one.told, kind="fact") for one in told])
    return {one.subject: cube for one, cube in zip(told, cubes, strict=True)}


def timed(work: Callable[[], Made]) -> tuple[Made, Spent]:
    """What a piece of work gives, and what it took; its results are on the host."""
    wall, cpu = time.perf_counter(), time.process_time()
    done = work()
    return done, Spent(time.perf_counter() - wall, time.process_time() - cpu)


def share(right: Iterable[object]) -> float:
    """How many are true, of all."""
    return float(np.mean([bool(one) for one in right]))
