from __future__ import annotations

import pytest
import torch
from tests.weights.associate.segments import SEGMENTS

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.attending import attending
from mnemon.kv.cache import KVCache
from mnemon.weights.associate.ntk_attention import NTKAttention
from mnemon.weights.linear_prefix import Beside, Prefix, layers, phi

PAIRS = [one.pairs[0] for one in SEGMENTS[:4]]


def _slow(query, key, value, seen, scaling, z, k):
    """Numerator and denominator as the paper writes them, for one head."""
    weights = torch.exp(query @ key.T * scaling) * seen
    above = weights @ value + phi(query) @ z
    return above / (weights.sum(-1) + phi(query) @ k)[:, None]


def test_attention_beside_a_prefix_is_the_papers_fraction() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(1, 4, 5, 8), torch.randn(1, 2, 7, 8), torch.randn(1, 2, 7, 6)
    seen = torch.ones(5, 7, dtype=torch.bool).tril(2)
    module, prefix = object(), Prefix((torch.randn(2, 8, 6),), (torch.rand(2, 8),))
    out = Beside([module], prefix)(module, query, key, value, seen[None, None], 0.3)
    for head in range(4):
        kv = head // 2
        expected = _slow(
            query[0, head], key[0, kv], value[0, kv], seen, 0.3, prefix.z[0][kv], prefix.k[0][kv]
        )
        assert torch.allclose(out[0, :, head], expected, atol=1e-5)


def test_a_prefix_of_nothing_changes_nothing(loaded) -> None:
    ids = torch.tensor([[1, *SEGMENTS[0].ids]])
    alone = loaded.model(ids, use_cache=False).logits
    none = NTKAttention().write(loaded.model, {}, SEGMENTS[:1])
    empty = Prefix(*(tuple(torch.zeros_like(none[f"{n}.{i}"]) for i in range(4)) for n in "zk"))
    with attending(loaded.model, Beside(layers(loaded.model), empty)):
        assert torch.allclose(loaded.model(ids, use_cache=False).logits, alone, atol=1e-4)
        # A KVCache computes its own attention meanwhile.
        with torch.no_grad():
            seam.forward(loaded.model, ids, KVCache(loaded.model, "recency", 1.0))


def test_training_lowers_the_loss_and_leaves_the_model(loaded) -> None:
    sums, trained = NTKAttention(tokens=16), NTKAttention(tokens=16, steps=12, batch=3)
    before = [one.clone() for one in loaded.model.parameters()]
    states = [method.write(loaded.model, {}, SEGMENTS[:4]) for method in (sums, trained)]
    with torch.no_grad():
        one, other = (float(sums.loss(loaded.model, state, PAIRS)) for state in states)
    assert other < one - 0.5
    assert all(torch.equal(a, b) for a, b in zip(before, loaded.model.parameters(), strict=True))
    assert all(one.nbytes == states[1][name].nbytes for name, one in states[0].items())


def test_what_is_trained_is_neither_added_to_nor_subtracted(loaded) -> None:
    method = NTKAttention(tokens=16, steps=1)
    state = method.write(loaded.model, {}, SEGMENTS[:2])
    assert not method.additive
    with pytest.raises(InvalidInput, match="cannot be subtracted"):
        method.erase(loaded.model, state, SEGMENTS[:1])
    with pytest.raises(InvalidInput, match="all segments at once"):
        method.write(loaded.model, state, SEGMENTS[2:3])
    with pytest.raises(InvalidInput, match="nothing to train on"):
        method.write(loaded.model, {}, [SEGMENTS[0]._replace(pairs=())])
