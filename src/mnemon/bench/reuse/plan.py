"""What is to be measured, and what each part of it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnemon.bench.recall.sampling import Sample, sample
from mnemon.errors import InvalidInput

TASK = "niah_multikey"
_SHORTEST, _LONGEST = 256, 4096


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        model: `recall-lm` or its small sibling `nano`.
        tokens: of a prompt.
        samples: contexts of each part. repeats: loads of each, for times.
        turns: of each chat. asked: samples of each task of chunks.
        block: tokens of a kept block.
        seed: of the first sample; the others follow.
    """

    model: str = "recall-lm"
    tokens: int = 4096
    samples: int = 4
    repeats: int = 3
    turns: int = 50
    asked: int = 12
    block: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model not in ("recall-lm", "nano"):
            raise InvalidInput(f"model {self.model!r}: it is measured on recall-lm or nano")
        if not _SHORTEST <= self.tokens <= _LONGEST:
            raise InvalidInput(
                f"{self.tokens} tokens: the bundled model knows prompts of {_SHORTEST} to"
                f" {_LONGEST}"
            )
        for name in ("samples", "repeats", "turns", "asked", "block"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name}={getattr(self, name)}: take at least one")

    def quick(self) -> Plan:
        """The same, small enough for a smoke test: its figures mean nothing."""
        return replace(
            self, tokens=min(self.tokens, 512), samples=min(self.samples, 2),
            repeats=min(self.repeats, 2), turns=min(self.turns, 6), block=min(self.block, 64),
            asked=min(self.asked, 2),
        )  # fmt: skip

    def sample(self, number: int, task: str = TASK, questions: int = 1) -> Sample:
        """The sample of that number."""
        return sample(task, self.tokens, self.seed + number, questions)


@dataclass(frozen=True)
class Bench:
    """What a part measures with.

    Attributes:
        folder: a part may write here; empty at first.
        step: called once for each step that is done.
    """

    model: Any
    tokenizer: Any
    plan: Plan
    folder: Path
    step: Callable[[], None] = lambda: None
