"""Explicit memories: how small, which tokens of which layers, and as good as the words if whole."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.kv.models import forward, text, tiny_llama

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache, seam
from mnemon.kv.explicit.explicit import Explicit, encoded, stores
from mnemon.kv.explicit.memory3 import Memory3
from mnemon.kv.plan import token_bytes


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_llama(layers=4, hidden=128, head_dim=32)


REFERENCE = text(128)[0].tolist()


def test_the_first_half_of_the_layers_keep_eight_tokens_a_head(model: Any) -> None:
    memory = Memory3().write(model, REFERENCE)
    assert memory.layers == (0, 1)
    for keys, values in memory.read().values():
        assert keys.shape == values.shape == (2, 8, 32)


def test_a_memory_is_fifty_times_smaller_than_the_reference(model: Any) -> None:
    whole = KVCache(model)
    forward(model, torch.tensor([REFERENCE]), whole)
    full = token_bytes(whole.compressed) * len(REFERENCE)
    assert full == whole.full_nbytes
    memory = Memory3().write(model, REFERENCE)
    assert memory.nbytes == sum(one.nbytes for one in memory.tensors().values())
    assert full >= 50 * memory.nbytes


def test_what_is_kept_are_keys_of_the_reference_that_get_most_attention(model: Any) -> None:
    whole = KVCache(model, "h2o", len(REFERENCE) + 1)
    forward(model, torch.tensor([REFERENCE]), whole)
    (keys, _) = Memory3(bits=8).write(model, REFERENCE).read()[0]
    held = whole.compressed[0].held[0][0]
    apart = torch.cdist(keys, held).min(-1)
    assert float(apart.values.max()) < 0.05 * float(held.norm(dim=-1).mean())
    asked = whole.compressed[0].queries
    assert asked is not None
    logits = asked[0].unflatten(0, (2, 2)) @ held[:, None].transpose(2, 3) * whole.scaling(0)
    hidden = torch.ones(128, 128, dtype=torch.bool).triu(1)
    received = logits.masked_fill(hidden, float("-inf")).softmax(-1).sum((1, 2))
    best = received.topk(8, -1).indices.sort(-1).values
    shared = [
        len(set(a) & set(b)) for a, b in zip(apart.indices.tolist(), best.tolist(), strict=True)
    ]
    assert min(shared) >= 7  # one token stands behind the reference when it is written


@pytest.mark.parametrize(
    ("layers", "places"), [("first", (0, 1)), ("last", (2, 3)), ("all", (0, 1, 2, 3))]
)
def test_the_layers_that_remember_can_be_chosen(
    model: Any, layers: Any, places: tuple[int, ...]
) -> None:
    assert Memory3(layers=layers).write(model, REFERENCE).layers == places


def test_all_tokens_in_all_layers_are_as_good_as_the_words(model: Any) -> None:
    method = Memory3(tokens=128, layers="all", bits=8)
    asked = text(12, seed=1)
    whole = KVCache(model)
    forward(model, torch.tensor([REFERENCE]), whole)
    expected = forward(model, asked, whole).log_softmax(-1)
    cache = KVCache(model)
    made = stores([method.write(model, REFERENCE)], 4, next(model.parameters()))
    for layer, own in zip(cache.compressed, made, strict=True):
        layer.stores = own
    places = torch.arange(128, 140)[None]
    with torch.inference_mode():
        found = seam.forward(model, asked, cache, position_ids=places).log_softmax(-1)
    assert float((expected.exp() * (expected - found)).sum(-1).mean()) < 0.01
    alone = forward(model, asked, KVCache(model)).log_softmax(-1)
    assert float((expected.exp() * (expected - alone)).sum(-1).mean()) > 0.1


def test_a_short_reference_is_kept_whole(model: Any) -> None:
    memory = Memory3().write(model, REFERENCE[:3])
    assert memory.read()[0][0].shape == (2, 3, 32)


def test_codes_come_back_from_their_tensors(model: Any) -> None:
    memory = Memory3().write(model, REFERENCE)
    again = Explicit.of(memory.tensors(), memory.layers, memory.heads, memory.bits)
    for layer, (keys, values) in memory.read().items():
        assert torch.equal(again.read()[layer][0], keys)
        assert torch.equal(again.read()[layer][1], values)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_codes_are_off_by_half_a_step_at_most(bits: int) -> None:
    rows = {0: (torch.randn(2, 8, 64), torch.randn(2, 8, 64))}
    read = encoded(rows, bits).read()[0]
    for exact, coded in zip(rows[0], read, strict=True):
        groups = exact.unflatten(-1, (2, 32))
        step = (groups.amax(-1) - groups.amin(-1)) / (2**bits - 1)
        off = (exact - coded).unflatten(-1, (2, 32)).abs().amax(-1)
        assert bool((off <= 0.5 * step + 1e-5).all())


@pytest.mark.parametrize("wrong", [{"layers": "middle"}, {"bits": 3}, {"tokens": 0}])
def test_options_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Memory3(**wrong)


@pytest.mark.parametrize("ids", [[], [1] * 129])
def test_references_of_no_token_or_too_many_are_refused(model: Any, ids: list[int]) -> None:
    with pytest.raises(InvalidInput, match="1 to 128 tokens"):
        Memory3().write(model, ids)
