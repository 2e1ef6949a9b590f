"""What every method of the slot does."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch
from tests.weights.pool.models import IDS, SMALL

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.weights.pool._latents import Latents

EVERY = pytest.mark.parametrize("name", sorted(SMALL))


def _read(method, model, ids):
    pool = method.empty(model)
    for one in ids:
        pool = method.update(model, pool, one)
    return pool


def test_the_table_has_every_method() -> None:
    assert sorted(SMALL) == methods.names("weights.pool")


@EVERY
def test_the_same_texts_give_the_same_bytes_and_another_seed_others(name, plain) -> None:
    made = [
        _read(methods.load("weights.pool", name, **SMALL[name], seed=seed), plain.model, IDS[:8])
        for seed in (0, 0, 1)
    ]  # fmt: skip
    first, again, other = (one.to_bytes() for one in made)
    assert first == again != other


@EVERY
def test_a_pool_is_as_it_was_after_its_bytes(name, plain) -> None:
    method = methods.load("weights.pool", name, **SMALL[name])
    pool = _read(method, plain.model, IDS[:7])
    again = Latents.from_bytes(pool.to_bytes())
    assert again.updates == 7 and again.nbytes == pool.nbytes
    going, gone = (method.update(plain.model, one, IDS[7]) for one in (pool, again))
    assert going.to_bytes() == gone.to_bytes()


@EVERY
def test_no_more_is_attended_to_than_it_says(name, plain) -> None:
    method = methods.load("weights.pool", name, **SMALL[name])
    for count in (0, 1, 3, 9):
        cache = method.cache(plain.model, _read(method, plain.model, IDS[:count]))
        given = torch.tensor([IDS[20]])
        with torch.no_grad():
            seam.forward(plain.model, given, cache)
        held = {layer.keys.shape[-2] - given.shape[1] for layer in cache.layers}
        assert held == {min(4 * count, method.attended)}


@EVERY
def test_an_empty_pool_says_what_the_model_says(name, plain) -> None:
    method = methods.load("weights.pool", name, **SMALL[name])
    given = torch.tensor([IDS[0]])
    with torch.no_grad():
        ours = seam.forward(
            plain.model, given, method.cache(plain.model, method.empty(plain.model))
        )
        theirs = plain.model(given, use_cache=False).logits
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@EVERY
def test_options_survive_json_and_wrong_ones_are_refused(name) -> None:
    method = methods.load("weights.pool", name, **SMALL[name])
    options = json.loads(json.dumps(asdict(method)))
    assert methods.load("weights.pool", name, **options) == method
    with pytest.raises(InvalidInput, match="1 or more"):
        methods.load("weights.pool", name, num_tokens=0)


@EVERY
def test_an_update_leaves_the_older_pool_and_the_model_alone(name, plain) -> None:
    method = methods.load("weights.pool", name, **SMALL[name])
    before = {key: one.clone() for key, one in plain.model.state_dict().items()}
    pool = _read(method, plain.model, IDS[:5])
    held = pool.to_bytes()
    method.update(plain.model, pool, IDS[5])
    assert pool.to_bytes() == held
    assert all(torch.equal(one, before[key]) for key, one in plain.model.state_dict().items())


@EVERY
def test_a_text_without_tokens_is_refused_and_a_long_one_is_several_updates(name, plain) -> None:
    method = methods.load("weights.pool", name, **SMALL[name], max_length=5)
    with pytest.raises(InvalidInput, match="without tokens"):
        method.update(plain.model, method.empty(plain.model), ())
    pool = _read(method, plain.model, [IDS[0]])
    # Seven tokens: five, of which the last four become latents, and two.
    assert pool.updates == 2 and pool.born[0].tolist() == [0] * 4 + [1] * 2
