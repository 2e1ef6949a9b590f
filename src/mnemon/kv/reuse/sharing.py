"""Two caches that hold the same tensors until one of them goes on: copy-on-write."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput
from mnemon.kv.layer import KVLayer

if TYPE_CHECKING:
    from mnemon.kv.cache import KVCache


def forked(cache: KVCache) -> KVCache:
    """A second cache that has seen the same tokens. It shares every tensor.

    A layer that takes new tokens in makes new tensors of its own, so neither sees what the other
    is given.

    Raises:
        InvalidInput: layers that write into their tensors (sliding windows, linear attention), or
            a policy that keeps tokens elsewhere.
    """
    if cache.elsewhere is not None or len(cache.compressed) != len(cache.layers):
        raise InvalidInput(
            "a KVCache can be forked if all its layers have full attention and its policy retrieves"
            " nothing: compute the prompt again in a new one"
        )
    made = copy.copy(cache)
    made.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in made.layers:
        assert isinstance(layer, KVLayer)
        layer.cache, layer.stores = made, list(layer.stores)
    made.started, made.fresh = cache.started.clone(), cache.fresh.clone()
    return made
