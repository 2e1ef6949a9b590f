"""What it means that two layers share what they store."""

from __future__ import annotations

import pytest
import torch

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache, Policy, packed
from mnemon.kv.compress.minicache import MiniCache, slerp

from ..models import forward, text, tiny_llama
from .views import first, output, random, view_of


def _pair(angle: float = 0.3):
    """Two layers whose vectors point nearly alike and are of different length."""
    views = []
    base = (random(1, 2, 101, 16), random(1, 2, 101, 16, seed=1))
    for place, size in enumerate((1.0, 3.0)):
        keys, values = (
            size * (one + angle * random(1, 2, 101, 16, seed=5 + place)) for one in base
        )
        views.append(view_of(keys, values))
    return views, [first(views[0], 100)] * 2


def test_a_pair_takes_little_more_than_half() -> None:
    views, kept = _pair()
    made = MiniCache(start=0.0).compress_layers(views, kept)
    parts = [part for some in made for one in some for part in one.parts.values()]
    whole = 2 * 2 * 100 * 32 * 4
    assert packed.storage_bytes(parts) <= 0.6 * whole
    assert len({part.data_ptr() for part in parts}) < len(parts)


def test_everything_retained_is_exact() -> None:
    views, kept = _pair()
    made = MiniCache(start=0.0, retention=1.0).compress_layers(views, kept)
    for view, some in zip(views, made, strict=True):
        assert torch.equal(some[0].read().keys, view.keys[:, :, :100].reshape(-1, 16))
        assert int(some[1].lengths.sum()) == 0


def test_shared_directions_beat_plain_averages() -> None:
    views, kept = _pair()
    queries = random(1, 2, 16, 16, seed=3)
    made = MiniCache(start=0.0, retention=0.0, t=0.5).compress_layers(views, kept)
    keys, values = (
        sum(getattr(view, name)[:, :, :100] for view in views) / 2 for name in ("keys", "values")
    )
    for view, some in zip(views, made, strict=True):
        whole = output(queries, view.keys[:, :, :100], view.values[:, :, :100])
        rows = some[1].read()
        told = output(queries, rows.keys.view(1, 2, 100, 16), rows.values.view(1, 2, 100, 16))
        averaged = output(queries, keys, values)
        assert float((told - whole).norm()) < float((averaged - whole).norm())


def test_the_most_unlike_tokens_stay_whole() -> None:
    views, kept = _pair(angle=0.05)
    views[1].keys[:, :, 40] *= -1
    views[1].values[:, :, 40] *= -1
    whole = MiniCache(start=0.0, retention=0.01).compress_layers(views, kept)[1][0]
    assert torch.equal(whole.parts["keys"].view(2, 16), views[1].keys[0, :, 40])


def test_interpolation_stays_on_the_sphere() -> None:
    one, two = random(5, 8), random(5, 8, seed=1)
    between = slerp(one, two, 0.6)
    assert torch.allclose(between.norm(dim=-1), torch.ones(5))
    assert torch.allclose(slerp(one, 3 * one, 0.6), one / one.norm(dim=-1, keepdim=True))
    angle = torch.nn.functional.cosine_similarity(one, two).acos()
    told = torch.nn.functional.cosine_similarity(one, between).acos()
    assert torch.allclose(told, 0.6 * angle, atol=1e-4)


def test_layers_go_on_sharing_after_blocks_and_reordering() -> None:
    model = tiny_llama(layers=4)
    held = KVCache(model, Policy(compress=MiniCache(), window=8, block=16), 0.7)
    forward(model, text(64, batch=2), held)
    forward(model, text(32, batch=2, seed=1), held)
    held.reorder_cache(torch.tensor([1, 1]))
    lower, upper = (layer.stores[1] for layer in held.compressed[2:])
    for name in ("key_directions", "value_directions"):
        assert lower.parts[name] is upper.parts[name]
    assert lower.parts["key_norms"] is not upper.parts["key_norms"]
    assert len(held.compressed[0].stores) == 1


def test_shares_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidInput, match="shares"):
        MiniCache(t=1.5)
