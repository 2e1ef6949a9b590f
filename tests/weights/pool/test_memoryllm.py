from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.weights.pool.models import IDS, SMALL

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.weights.pool import _cache as caches
from mnemon.weights.pool._dropping import split, taken
from mnemon.weights.pool._latents import Latents


def _hidden(model, ids) -> list[torch.Tensor]:
    """Each layer's input, and the last layer's output: `[1, T, d]`."""
    last: list[torch.Tensor] = []
    hook = model.get_decoder().layers[-1].register_forward_hook(lambda *it: last.append(it[2]))
    with torch.no_grad():
        inputs = model(ids, output_hidden_states=True, use_cache=False).hidden_states[:-1]
    hook.remove()
    return [*inputs, *last]


def test_latents_that_are_a_texts_inputs_stand_for_that_text(plain) -> None:
    text, asked = torch.tensor([IDS[0]]), torch.tensor([IDS[1]])
    with torch.no_grad():
        cache = caches.before(plain.model, _hidden(plain.model, text)[:-1])
        ours = seam.forward(plain.model, asked, cache)
        theirs = plain.model(torch.cat([text, asked], 1), use_cache=False).logits
    torch.testing.assert_close(ours, theirs[:, text.shape[1] :], atol=1e-3, rtol=1e-3)


def test_new_latents_are_the_last_outputs_of_each_layer(plain) -> None:
    method = methods.load("weights.pool", "memoryllm", **SMALL["memoryllm"])
    pool = method.update(plain.model, method.empty(plain.model), IDS[0])
    outputs = _hidden(plain.model, torch.tensor([IDS[0]]))[1:]
    for layer, wanted in enumerate(outputs):
        torch.testing.assert_close(pool.tokens[layer], wanted[0, -4:], atol=1e-4, rtol=1e-4)


def test_an_update_reads_after_the_newest_latents_only(plain) -> None:
    method = methods.load("weights.pool", "memoryllm", **SMALL["memoryllm"])
    pool = method.update(plain.model, method.empty(plain.model), IDS[0])
    pool = method.update(plain.model, pool, IDS[1])
    newest = Latents(pool.tokens[:, -4:], pool.born[:, -4:], pool.store, pool.stored, pool.keys, 2)
    both = [method.update(plain.model, one, IDS[2]).tokens[:, -4:] for one in (pool, newest)]
    alone = method.update(plain.model, method.empty(plain.model), IDS[2]).tokens[:, -4:]
    assert torch.equal(*both) and not torch.allclose(both[0], alone, atol=1e-3)


def test_a_full_pool_drops_as_many_as_it_takes_and_what_stays_keeps_its_order(plain) -> None:
    method = methods.load("weights.pool", "memoryllm", **SMALL["memoryllm"])
    pool = method.empty(plain.model)
    for number, ids in enumerate(IDS[:10]):
        before, pool = pool, method.update(plain.model, pool, ids)
        assert pool.tokens.shape[1] == min(16, 4 * (number + 1))
        stay, _ = split(4, before.tokens.shape[1], 4 if number >= 4 else 0, 0, number)
        assert torch.equal(pool.tokens[:, :-4], taken(before.tokens, stay))
    assert (pool.born[:, 1:] >= pool.born[:, :-1]).all() and (pool.born[:, -4:] == 9).all()
    assert len({tuple(layer) for layer in pool.born.tolist()}) > 1  # layers draw apart


@given(st.integers(1, 6), st.integers(0, 40), st.data())
def test_what_stays_and_what_leaves_are_all_there_were(layers: int, held: int, data) -> None:
    dropped = data.draw(st.integers(0, held))
    stay, leave = split(layers, held, dropped, data.draw(st.integers(0, 9)), 3)
    assert leave.shape == (layers, dropped)
    for some, others in zip(stay.tolist(), leave.tolist(), strict=True):
        assert sorted(some + others) == list(range(held))
        assert some == sorted(some) and others == sorted(others)


def test_latents_are_left_as_chance_would_have_it() -> None:
    pool = torch.zeros(64, 32, dtype=torch.int64)
    for update in range(1, 9):
        stay, _ = split(64, 32, 4, 0, update)
        pool = torch.cat([taken(pool, stay), torch.full((64, 4), update)], 1)
    # 64 layers of 32 latents: three standard deviations are 0.033.
    assert (pool == 0).float().mean() == pytest.approx((1 - 4 / 32) ** 8, abs=0.033)


def test_bytes_of_something_else_and_models_of_another_kind_are_refused() -> None:
    import safetensors.torch
    from transformers import GPT2Config, GPT2LMHeadModel

    with pytest.raises(InvalidInput, match="no latent pool"):
        Latents.from_bytes(safetensors.torch.save({"tokens": torch.zeros(1)}))
    small = GPT2Config(
        vocab_size=64, n_embd=16, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=2
    )
    other = GPT2LMHeadModel(small)
    method = methods.load("weights.pool", "memoryllm")
    with pytest.raises(InvalidInput):
        method.update(other, method.empty(other), (1, 2, 3))
