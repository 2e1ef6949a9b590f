"""Compression for a block of code, as a context manager."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mnemon.kv import seam
from mnemon.kv.budget import Budget
from mnemon.kv.cache import KVCache
from mnemon.kv.policy import Policy

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


@contextmanager
def compressing(
    model: PreTrainedModel,
    policy: Policy | str | dict[str, Any] = "auto",
    budget: Budget | float | int | str = 1.0,
) -> Iterator[list[KVCache]]:
    """Every generation inside the block runs on a new `KVCache` of this policy and budget.

        with compressing(model, "snapkv", budget=0.25) as caches:
            model.generate(**inputs)
        caches[-1].nbytes

    An empty cache that transformers made is replaced, and so is none; one that holds something is
    left alone.

    Yields:
        The caches that were made, in order.

    Raises:
        InvalidInput: the model, policy and budget do not go together.
    """
    KVCache(model, policy, budget)  # what is wrong is said here, not at the first call inside
    made: list[KVCache] = []

    def begin(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = seam.cache_of(kwargs)
        if kwargs.get("use_cache") is False or (given is not None and given.get_seq_length() > 0):
            return None
        if not isinstance(given, KVCache):
            made.append(KVCache(model, policy, budget))
            return args, seam.with_cache(model, kwargs, made[-1])
        return None

    hook = model.register_forward_pre_hook(begin, with_kwargs=True)
    try:
        yield made
    finally:
        hook.remove()
