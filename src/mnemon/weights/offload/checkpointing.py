"""A layer keeps its input alone, and is computed again when its gradients are due.

Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost",
https://arxiv.org/abs/1604.06174, by torch.utils.checkpoint (non-reentrant), one segment a decoder
layer. HOW OURS DIFFERS: no known difference. Cannot be combined with layers that write to a KV
cache, which would be written twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch.utils.checkpoint import checkpoint

__all__ = ["Checkpointing"]


@dataclass(frozen=True)
class Checkpointing:
    """torch's activation checkpointing.

    Attributes:
        preserve_rng_state: whether dropout is drawn alike both times.
    """

    preserve_rng_state: bool = False

    restores: ClassVar[bool] = True

    @contextmanager
    def during(self, layers: Sequence[Any]) -> Iterator[None]:
        """Each layer is a segment while this lasts."""
        for one in layers:
            one.forward = partial(
                checkpoint, one.forward, use_reentrant=False,
                preserve_rng_state=self.preserve_rng_state,
            )  # fmt: skip
        try:
            yield
        finally:
            for one in layers:
                del one.forward
