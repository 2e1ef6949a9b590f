"""Softmax attention by a function of one's own, through the seam, while it lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import torch

from mnemon.kv import seam

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

Attention: TypeAlias = "Callable[[nn.Module, Tensor, Tensor, Tensor, Tensor, float | None], Tensor]"
"""Of a module, queries `[B, Hq, Q, D]`, keys and values `[B, Hkv, T, D]`, which of them each query
sees (booleans `[B or 1, 1, Q, T]`) and the scaling (None: D ** -0.5): `[B, Q, Hq, Dv]`."""

_here = threading.local()


@contextmanager
def attending(model: PreTrainedModel, attention: Attention) -> Iterator[None]:
    """Have this thread compute a model's attention by a function, while this lasts.

    Passes with a KVCache go on as they would without. Run no other model in this thread meanwhile.
    """
    seam.attach(model)
    before, _here.attention = current(), attention
    try:
        yield
    finally:
        _here.attention = before


def current() -> Attention | None:
    """The function that this thread attends by, if it has one."""
    return getattr(_here, "attention", None)


def seen(mask: Tensor | None, query: Tensor, key: Tensor) -> Tensor:
    """Which tokens each query sees, of a mask as transformers makes it; None is causal."""
    if mask is not None:
        return mask if mask.dtype == torch.bool else mask >= 0
    queries, tokens = query.shape[2], key.shape[2]
    whole = torch.ones(queries, tokens, dtype=torch.bool, device=query.device)
    return whole.tril(tokens - queries)[None, None]
