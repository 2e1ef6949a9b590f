"""Made-up attention layers, as a compression would show them to a scorer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mnemon.kv.rope import Rope
from mnemon.kv.view import LayerView


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rope(channels: int, base: float = 100.0) -> Rope:
    """The rotary embedding of a head of so many channels."""
    speeds = base ** (-torch.arange(channels // 2) * 2 / channels)

    def tables(positions: Tensor) -> tuple[Tensor, Tensor]:
        angle = positions[..., None].float() * speeds
        return torch.cat([angle, angle], -1).cos(), torch.cat([angle, angle], -1).sin()

    return Rope(tables)


def layer(keys: Tensor, queries: Tensor | None = None, place: int = 3, **more: Any) -> LayerView:
    """A layer of one sequence.

    Args:
        keys: `[Hkv, T, D]` before rotary embedding, which is not applied to them unless `turned`.
        queries: `[Hq, Q, D]` of the newest tokens, likewise.
    """
    turned = more.pop("turned", False)
    heads, tokens, channels = keys.shape
    places = torch.arange(tokens)[None]
    embedding = rope(channels)
    held, asked = keys[None], None if queries is None else queries[None]
    if turned:
        held = embedding.rotate(held, places)
        if asked is not None:
            asked = embedding.rotate(asked, places[:, tokens - asked.shape[2] :])
    return LayerView(
        **{
            "layer": place,
            "layers": 4,
            "place": place,
            "keys": held,
            "values": noise(1, heads, tokens, channels, seed=1),
            "window": 1,
            "sinks": 0,
            "seen": tokens,
            "scaling": 1.0,
            "queries": asked,
            "positions": places.expand(heads, -1)[None]
            if turned
            else torch.zeros(1, heads, tokens).long(),
            "rope": embedding,
        }
        | more
    )
