"""A long tail grows in place: nobody notices but the clock, and spare bytes are counted."""

from __future__ import annotations

import pytest
import torch
from tests.kv.models import forward, text, tiny_llama
from transformers import PreTrainedModel

from mnemon.kv import KVCache
from mnemon.kv.reuse.sharing import forked

TOKEN = 3 * 2 * 2 * 16 * 4  # layers, key-value heads, keys and values, channels, bytes


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny_llama()


def grown(model: PreTrainedModel, tokens: int = 100) -> KVCache:
    """A cache that has seen so many tokens, the last ten one at a time."""
    cache = KVCache(model, "recency", 1.0)
    ids = text(tokens)
    for piece in (ids[:, :-10], *ids[:, -10:].split(1, 1)):
        forward(model, piece, cache)
    return cache


def test_tokens_that_fit_do_not_move_the_old_ones(model: PreTrainedModel) -> None:
    cache = grown(model)
    where = [layer.held[0].data_ptr() for layer in cache.compressed]
    forward(model, text(1), cache)
    assert [layer.held[0].data_ptr() for layer in cache.compressed] == where
    assert cache.full_nbytes == 101 * TOKEN
    assert 101 * TOKEN < cache.nbytes <= (91 + 16) * TOKEN + 101 * 4 + 8


def test_forks_that_share_a_room_do_not_write_over_each_other(model: PreTrainedModel) -> None:
    cache = grown(model)
    forks = [forked(cache) for _ in range(3)]
    found = []
    for seed, fork in enumerate(forks):
        found.append(forward(model, text(3, seed=seed), fork)[:, -1:])
    for seed, fork in enumerate(forks):
        alone = grown(model)
        assert torch.equal(forward(model, text(3, seed=seed), alone)[:, -1:], found[seed])
        again = forward(model, text(2, seed=9), fork)
        assert torch.equal(forward(model, text(2, seed=9), alone), again)


@pytest.mark.parametrize("back", [1, 4, 40])
def test_after_going_back_a_fork_still_has_its_tokens(model: PreTrainedModel, back: int) -> None:
    cache = grown(model)
    fork = forked(cache)
    cache.crop(-back)
    forward(model, text(3, seed=2), cache)
    alone = grown(model)
    assert torch.equal(forward(model, text(3), fork), forward(model, text(3), alone))


def test_picked_sequences_get_a_room_of_their_own(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 1.0)
    ids = text(30, batch=3)
    for piece in (ids[:, :25], *ids[:, 25:].split(1, 1)):
        forward(model, piece, cache)
    cache.batch_select_indices(torch.tensor([2, 0]))
    found = forward(model, text(1, batch=2), cache)
    whole = torch.cat([ids[[2, 0]], text(1, batch=2)], 1)
    assert torch.allclose(found[:, -1], forward(model, whole)[:, -1], atol=1e-4)
