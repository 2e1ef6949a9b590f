"""The slot `weights.pool`: latent tokens of every layer that a model updates by reading.

A pool is a value: a method takes one and gives another. `mnemon.weights.absorb` keeps it as an
artifact of its cubes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mnemon.weights.pool._cache import LatentCache
    from mnemon.weights.pool._latents import Latents


class Pool(Protocol):
    """One way to keep a latent pool. It needs a model that was trained for it."""

    @property
    def attended(self) -> int:
        """How many latents of each layer a token sees at most."""
        ...

    def empty(self, model: Any) -> Latents:
        """The pool that has read nothing."""
        ...

    def update(self, model: Any, pool: Latents, ids: Sequence[int]) -> Latents:
        """The pool after a text; the one that is given stays as it is."""
        ...

    def cache(self, model: Any, pool: Latents) -> LatentCache:
        """A cache that begins with the pool, for one sequence: what a model is given as
        `past_key_values` (`cache` from transformers 5.24 on)."""
        ...
