"""Views of made-up keys and values, and how far attention over stores is from the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mnemon.kv.stored import Stored
from mnemon.kv.view import LayerView


def view_of(keys: Tensor, values: Tensor, queries: Tensor | None = None, **more: Any) -> LayerView:
    """A view in which all tokens but the last are candidates, nothing protected at the start."""
    tokens = keys.shape[2]
    told = {"window": 1, "sinks": 0, "seen": tokens, "scaling": keys.shape[3] ** -0.5} | more
    return LayerView(0, 1, 0, keys, values, queries=queries, **told)


def first(view: LayerView, count: int) -> Tensor:
    """Keep the first `count` candidates."""
    kept = torch.zeros(*view.keys.shape[:2], view.tokens - view.window, dtype=torch.bool)
    kept[..., :count] = True
    return kept


def spread(view: LayerView, every: int) -> Tensor:
    """Keep one candidate in `every`."""
    kept = torch.zeros(*view.keys.shape[:2], view.tokens - view.window, dtype=torch.bool)
    kept[..., ::every] = True
    return kept


def output(queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attention of `[B, H, Q, D]` over `[B, H, n, D]`, all seen."""
    logits = queries @ keys.transpose(2, 3) * keys.shape[3] ** -0.5
    if bias is not None:
        logits = logits + bias[:, :, None]
    return logits.softmax(-1) @ values


def error(view: LayerView, stores: Sequence[Stored], queries: Tensor) -> float:
    """Relative squared change of the output over the candidates; rows of equal length."""
    count = view.tokens - view.window
    whole = output(queries, view.keys[:, :, :count], view.values[:, :, :count])
    shape = view.keys.shape[:2]
    rows = [store.read() for store in stores]
    keys = torch.cat([one.keys.reshape(*shape, -1, one.keys.shape[-1]) for one in rows], 2)
    values = torch.cat([one.values.reshape(*shape, -1, one.values.shape[-1]) for one in rows], 2)
    biases = [
        one.keys.new_zeros(one.keys.shape[0]) if one.bias is None else one.bias for one in rows
    ]
    bias = torch.cat([one.reshape(*shape, -1) for one in biases], 2)
    told = output(queries, keys, values, bias)
    return float((told - whole).square().sum() / whole.square().sum())


def random(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers of a seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def clustered(
    clusters: int, each: int, noise: float = 0.05, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Keys and values `[1, 2, clusters * each + 1, 16]`, neighbours alike, clusters apart."""
    centres = 2 * random(1, 2, clusters, 16, seed=seed)
    content = random(1, 2, clusters, 16, seed=seed + 1)
    count = clusters * each
    keys = centres.repeat_interleave(each, 2) + noise * random(1, 2, count, 16, seed=seed + 2)
    values = content.repeat_interleave(each, 2) + noise * random(1, 2, count, 16, seed=seed + 3)
    last = random(1, 2, 1, 16, seed=seed + 4)
    return torch.cat([keys, last], 2), torch.cat([values, last], 2)
