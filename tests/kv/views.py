"""Views of made-up layers, as a compression would show them to methods."""

from __future__ import annotations

import torch
from tests.kv.profiles import profile
from torch import Tensor

from mnemon.kv.view import LayerView


def view(
    place: int = 0,
    layers: int = 3,
    batch: int = 1,
    heads: int = 2,
    groups: int = 2,
    tokens: int = 72,
    window: int = 8,
    sinks: int = 2,
    channels: int = 8,
    sharpness: float = 1.0,
) -> LayerView:
    """A layer of random keys and values; `sharpness` scales the queries: 0 attends evenly."""
    maker = torch.Generator().manual_seed(place)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=maker)

    return LayerView(
        layer=place,
        layers=layers,
        place=place,
        keys=noise(batch, heads, tokens, channels),
        values=noise(batch, heads, tokens, channels),
        window=window,
        sinks=sinks,
        seen=tokens,
        scaling=1.0,
        queries=noise(batch, heads * groups, window, channels) * sharpness,
        profile=profile(layers, heads),
        output_weight=noise(heads * groups, channels, 16),
    )


def scores(views: list[LayerView]) -> list[Tensor]:
    """What `snapkv` without pooling would give the candidates, sinks protected."""
    found = []
    for seen in views:
        score = seen.by_key_head(seen.attention().mean(2))[..., : seen.tokens - seen.window]
        score[..., : seen.sinks] = float("inf")
        found.append(score)
    return found
