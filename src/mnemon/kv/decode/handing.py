"""Back from fast decoding to the cache: it takes in what a step was fed."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput
from mnemon.kv import passing
from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.cache import KVCache
    from mnemon.kv.decode.step import GraphStep

_NOT_KEPT = frozenset(
    {Need.QUERIES, Need.ALL_QUERIES, Need.HIDDEN, Need.SURPRISAL, Need.ROUNDS, Need.PROJECTION}
)


@dataclass(frozen=True)
class Origin:
    """The cache that a step goes on from.

    Attributes:
        cache: that cache, as long as it exists. slots: tokens it had seen when the step was made.
        tail: tokens of the step's tail that were copied from it.
    """

    cache: weakref.ref[KVCache]
    slots: int
    tail: int


def hand_back(step: GraphStep, cache: KVCache, *, count: int | None = None) -> None:
    """Let the cache go on after the tokens that the step was fed.

    It takes their keys and values in one by one, and compresses block by block as when the model
    decodes; a step does not compress, so that they were computed with all new tokens in sight. The
    newest token that the step chose was not fed yet: the model is given it next. The step is
    spent; `step_over` makes a new one.

    Args:
        step: what `step_over(model, cache)` made.
        count: only the first so many tokens (by default all).

    Raises:
        InvalidInput: the step goes on from another cache, or was handed back already; the cache
            has gone on since; the policy compresses by what a step does not keep; there are fewer
            tokens. The cache is then as it was.
    """
    origin = _origin(step, cache)
    made = step.filled - origin.tail
    count = made if count is None else count
    if not 0 <= count <= made:
        raise InvalidInput(
            f"{count} tokens cannot be handed back: the step was fed {made}; leave `count` out for "
            "all of them"
        )
    lacking = sorted(cache.policy.needs & _NOT_KEPT)
    if count and cache.compresses and lacking:
        raise InvalidInput(
            f"policy {str(cache.policy)!r} compresses new tokens by {', '.join(lacking)}, which a "
            "decoding step does not keep: call the model with the whole text and the cache, which "
            "then computes these tokens itself"
        )
    step.origin = None
    first = step.place.position - made
    for place in range(count):
        _take(cache, step, origin.tail + place, first + place)


def _origin(step: GraphStep, cache: KVCache) -> Origin:
    origin = step.origin
    if origin is None or origin.cache() is not cache:
        raise InvalidInput(
            "this step does not go on from this cache, or was handed back already: make one with "
            "`step_over(model, cache)`"
        )
    if cache.slots != origin.slots:
        raise InvalidInput(
            f"the cache has gone from {origin.slots} to {cache.slots} tokens since the step was "
            "made: hand a step back before the model is called with its cache"
        )
    return origin


def _take(cache: KVCache, step: GraphStep, at: int, position: Tensor) -> None:
    """Token `at` of the step's tails, as a pass of the model would have left it in the cache."""
    token = step.place.made[:, at : at + 1]
    cache.passing = passing.Passing(1, token, None, position[:, None].int())
    for layer, tail in zip(cache.compressed, step.tails, strict=True):
        layer.update(tail.keys[:, :, at : at + 1], tail.values[:, :, at : at + 1])
    cache.spoken = True
    passing.finish(cache, step.hidden[:, None])
