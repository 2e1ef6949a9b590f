from __future__ import annotations

import pytest
import safetensors.torch
import torch
from tests.weights.pool.models import IDS, SMALL

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.models import recall_lm
from mnemon.weights.pool import _retriever as retrieving


def _method(**options):
    return methods.load("weights.pool", "m-plus", **{**SMALL["m-plus"], **options})


def _read(method, model, count):
    pool = method.empty(model)
    for ids in IDS[:count]:
        pool = method.update(model, pool, ids)
    return pool


def test_what_leaves_the_pool_is_in_the_store_with_its_age(plain) -> None:
    method = _method()
    pool = _read(method, plain.model, 9)
    assert pool.tokens.shape[1] == 8 and pool.store.shape[1] == 9 * 4 - 8
    born = torch.cat([pool.stored, pool.born], 1).sort(1).values
    assert born.tolist() == [[number for number in range(9) for _ in range(4)]] * 4
    assert pool.stored.tolist() == pool.stored.sort(1).values.tolist()


def test_it_updates_as_memoryllm_of_its_pools_size_does(plain) -> None:
    other = methods.load("weights.pool", "memoryllm", num_tokens=4, num_blocks=2)
    both = [_read(one, plain.model, 9) for one in (_method(), other)]
    assert torch.equal(both[0].tokens, both[1].tokens)


def test_a_full_store_loses_its_oldest(plain) -> None:
    pool = _read(_method(ltm_tokens=6), plain.model, 9)
    whole = _read(_method(), plain.model, 9)
    assert pool.stored.tolist() == whole.stored[:, -6:].tolist()
    assert torch.equal(pool.store, whole.store[:, -6:])
    assert torch.equal(pool.keys, whole.keys[:, -6:])


def _fetched(method, model, pool):
    """Indices of the store that each layer begins with, found by the keys it holds."""
    cache = method.cache(model, pool)
    with torch.no_grad():
        seam.forward(model, torch.tensor([IDS[20]]), cache)
    return [layer.keys[0, :, :8] for layer in cache.layers], cache.seen


def test_the_best_fitting_are_fetched_oldest_first(plain) -> None:
    method, model = _method(), plain.model
    pool = _read(method, model, 9)
    firsts, seen = _fetched(method, model, pool)
    for layer, first in list(enumerate(firsts))[1:]:  # the first layer's latents are often the same
        with torch.no_grad():
            query, _ = retrieving.retriever(model, layer)
            scores = torch.stack([  # one latent after another
                torch.stack([q @ key for q in query(seen[layer][0])]).mean()
                for key in pool.keys[layer]
            ])  # fmt: skip
            best = sorted(scores.argsort(descending=True)[:8].tolist())
            projection = seam.projection(model, layer)
            inward = model.get_decoder().layers[layer].input_layernorm(pool.store[layer][best])
            keys = projection.keys(projection.key(inward)[None], torch.arange(8)[None])
        torch.testing.assert_close(first, keys[0], atol=1e-4, rtol=1e-4)


def test_the_control_fetches_others_and_always_the_same(plain) -> None:
    pool = _read(_method(), plain.model, 12)
    trained, chance, again = (
        _fetched(_method(retrieve=way), plain.model, pool)[0]
        for way in ("trained", "random", "random")
    )
    assert all(map(torch.equal, chance, again))
    assert not all(map(torch.equal, trained, chance))


@pytest.mark.parametrize("hidden", [0, 12])
def test_projectors_are_part_of_the_models_fingerprint_and_of_its_folder(tmp_path, hidden) -> None:
    from mnemon.bench.pool_training.recipe import PoolRecipe
    from mnemon.bench.pool_training.run import save
    from mnemon.kv.reuse.fingerprint import fingerprint

    model, tokenizer = recall_lm.load(nano=True)
    bare = fingerprint(model).digest
    retrieving.add(model, 8, seed=3, hidden=hidden)
    made = fingerprint(model).digest
    save(model, tokenizer, PoolRecipe(), tmp_path)
    again = recall_lm.load(tmp_path).model
    assert fingerprint(again).digest == bare != made
    retrieving.load_retriever(again, tmp_path)
    assert fingerprint(again).digest == made


def test_what_it_cannot_do_is_refused(plain, tmp_path) -> None:
    bare = recall_lm.load(nano=True).model
    with pytest.raises(InvalidInput, match="no retriever"):
        _method().empty(bare)
    with pytest.raises(InvalidInput, match="train-pool"):
        retrieving.load_retriever(bare, tmp_path)
    safetensors.torch.save_file({"other": torch.zeros(1)}, tmp_path / retrieving.FILE)
    with pytest.raises(InvalidInput, match="has no projectors"):
        retrieving.load_retriever(bare, tmp_path)
    with pytest.raises(InvalidInput, match="trained, random"):
        _method(retrieve="best")
    with pytest.raises(InvalidInput, match="1 or more"):
        _method(num_ltm_blocks=4)
    pool = _read(_method(), plain.model, 3)
    with pytest.raises(InvalidInput, match="one sequence"), torch.no_grad():
        seam.forward(
            plain.model, torch.tensor([IDS[0], IDS[1]]), _method().cache(plain.model, pool)
        )
