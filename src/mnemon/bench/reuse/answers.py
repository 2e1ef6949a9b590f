"""Prefilling and greedy decoding, with nothing kept and with a kept prefix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from mnemon.bench.kv.answering import Asking, make_cache
from mnemon.bench.kv.cells import FULL

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.reuse.prefix import PrefixCache


class First(NamedTuple):
    """The logits `[V]` after a prompt, the cache that holds it, and how much was not computed."""

    logits: Tensor
    cache: Any
    reused: int


def computed(model: Any, prompt: Sequence[int]) -> First:
    """The whole prompt in one pass, by the model with a cache of its own."""
    asking, cache = Asking(model), make_cache(model, FULL, "1.0")
    with torch.inference_mode():
        return First(asking.run(cache, asking.tensor([prompt]))[0, -1], cache, 0)


def reused(prefixes: PrefixCache, prompt: Sequence[int]) -> First:
    """The kept beginning of a prompt from where it lies, and a pass over the rest."""
    asking = Asking(prefixes.model)
    with torch.inference_mode():
        begun = prefixes.begin(prompt)
        logits = asking.run(begun.cache, asking.tensor([prompt[begun.reused :]]))
        return First(logits[0, -1], begun.cache, begun.reused)


def greedy(model: Any, first: First, count: int) -> list[int]:
    """The likeliest tokens after a prompt, one by one."""
    asking, found = Asking(model), [int(first.logits.argmax())]
    with torch.inference_mode():
        while len(found) < count:
            logits = asking.run(first.cache, asking.tensor([found[-1:]]))
            found.append(int(logits[0, -1].argmax()))
    return found
