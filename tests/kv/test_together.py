"""What is done to several layers together is what would be done to each."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mnemon.kv import together
from mnemon.kv.compress.graded import Graded
from mnemon.kv.compress.kivi import KIVI
from mnemon.kv.profile import HeadProfile
from mnemon.kv.view import LayerView

from .compress.views import random, view_of

LAYERS, HEADS, TOKENS, SIZE = 3, 2, 65, 16
PROFILE = HeadProfile("", ((0.2, 1.0), (0.4, 0.6), (0.9, 0.8)), "made up")


def views() -> list[LayerView]:
    made = []
    for place in range(LAYERS):
        keys, values = (random(2, HEADS, TOKENS, SIZE, seed=seed + 7 * place) for seed in (1, 2))
        made.append(replace(view_of(keys, values), place=place, profile=PROFILE))
    return made


def kept() -> list[torch.Tensor]:
    made = torch.zeros(LAYERS, 2, HEADS, TOKENS - 1, dtype=torch.bool)
    made[0] = True
    made[1, :, 0, ::2] = True
    made[1, 1, 1, :32] = True
    return list(made)


@pytest.mark.parametrize("most", [0, 2 * 2 * HEADS * TOKENS * SIZE, 1 << 23])
@pytest.mark.parametrize("method", [KIVI(group_size=16), Graded(share=0.5, group_size=16)])
def test_layers_are_stored_as_if_alone(
    monkeypatch: pytest.MonkeyPatch, method: KIVI | Graded, most: int
) -> None:
    monkeypatch.setattr(together, "MOST", most)
    made = method.compress_layers(views(), kept())
    for view, wanted, stores in zip(views(), kept(), made, strict=True):
        alone = method.compress(view, wanted)
        assert len(stores) == len(alone)
        for one, other in zip(stores, alone, strict=True):
            assert torch.equal(one.lengths, other.lengths)
            assert all(torch.equal(part, other.parts[name]) for name, part in one.parts.items())
            size = sum(part.numel() * part.itemsize for part in one.parts.values())
            assert one.nbytes == size, "a layer's store holds on to nothing of another's"


def test_only_small_neighbours_of_one_shape_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    some = views()
    short = [
        replace(view, keys=view.keys[:, :, :33], values=view.values[:, :, :33]) for view in some
    ]
    assert list(together.runs([*some, *short])) == [slice(0, 3), slice(3, 6)]
    monkeypatch.setattr(together, "MOST", 2 * some[0].keys.numel())
    assert list(together.runs(some)) == [slice(0, 2), slice(2, 3)]


def test_where_nothing_is_kept_nothing_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    # PyTorch's CUDA kernel for this divides by zero, which ends the process.
    def copied(*given: object, **more: object) -> None:
        raise AssertionError("an empty tensor was to be copied")

    monkeypatch.setattr(torch, "split_with_sizes_copy", copied)
    nothing = [torch.zeros_like(one) for one in kept()]
    for stores in Graded(group_size=16).compress_layers(views(), nothing):
        assert [int(store.lengths.sum()) for store in stores] == [0, 0]
        assert all(store.read().keys.shape == (0, SIZE) for store in stores)
