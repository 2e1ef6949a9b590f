"""The slot `weights.write`: facts, shard by shard, to adapters of a frozen model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.lesson import Pair


class Written(NamedTuple):
    """One shard's adapter.

    Attributes:
        tensors: by their names in peft's layout, float16.
        figures: `loss` (nats a token, at the end) and `steps`.
        learnt: whether the loss is as low as was asked for.
    """

    tensors: dict[str, Tensor]
    figures: dict[str, float]
    learnt: bool


class Write(Protocol):
    """One way to write facts into weights. A shard learns from its own pairs alone."""

    @property
    def subjects(self) -> int:
        """How many subjects share a shard."""
        ...

    def write(self, model: Any, shards: Sequence[Sequence[Pair]]) -> Iterator[Written]:
        """The adapter of each shard, in order; the model is as before when it ends."""
        ...

    def config(self, model: Any, base: str) -> dict[str, Any]:
        """What peft's `adapter_config.json` says of them."""
        ...
