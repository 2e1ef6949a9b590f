"""The last stage of training a pool: what questions could fetch, and that they do."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from mnemon.bench.latent.pool_store import _asked
from mnemon.bench.latent.pool_stream import Stream, share
from mnemon.bench.pool_training.bank import Bank, things
from mnemon.bench.pool_training.candidates import Candidates
from mnemon.bench.pool_training.facts import facts
from mnemon.bench.pool_training.pools import Pools, older
from mnemon.bench.pool_training.recipe import PoolRecipe
from mnemon.bench.pool_training.run import train
from mnemon.bench.pool_training.storing import stored
from mnemon.methods import load
from mnemon.models import recall_lm
from mnemon.weights.pool import _cache as caches
from mnemon.weights.pool import _retriever as retrieving

RECIPE = PoolRecipe(
    num_blocks=3, num_ltm_blocks=1, steps=1, store_steps=3, retriever_steps=1, written=12, most=6,
    asked=8, unrelated=1, bank=9,
)  # fmt: skip
FILLER = torch.tensor([[1, 70, 71, 72]] * 2)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def model():
    made = recall_lm.load(nano=True).model
    retrieving.add(made, 8, hidden=12)
    return made


def _told(count: int) -> torch.Tensor:
    return torch.from_numpy(facts(np.random.default_rng(count), count).told)


def _step(model, banked: torch.Tensor | None = None):
    drawn = older(np.random.default_rng(1), RECIPE, 4)
    bank = Bank(RECIPE.bank, 4, 128, model.device)
    rng, before = np.random.default_rng(0), _told(9) if banked is None else banked
    bank.add(rng, caches.written(model, bank.newest(rng, 9), before, 4), before)
    newest = bank.newest(rng, len(drawn.told))
    new = caches.written(model, newest, drawn.told, RECIPE.num_tokens)
    return drawn, new, Candidates.of(drawn, new, bank)


def test_a_bank_keeps_the_last_facts_and_gives_late_ones() -> None:
    bank = Bank(70, 2, 3, torch.device("cpu"))
    rng = np.random.default_rng(0)
    assert [one.shape for one in bank.newest(rng, 5)] == [(5, 0, 3)] * 2
    for step in range(4):
        bank.add(rng, [torch.full((30, 4, 3), float(step))] * 2, _told(30))
    assert len(bank) == 70 and [one.shape for one in bank.latents] == [(70, 4, 3)] * 2
    assert bank.latents[0][:, 0, 0].tolist() == [1.0] * 10 + [2.0] * 30 + [3.0] * 30
    assert set(bank.newest(rng, 20)[1].flatten().tolist()) == {3.0}


def test_questions_are_about_any_fact_and_pools_leave_room_for_what_is_fetched() -> None:
    asked = set()
    for seed in range(20):
        drawn = older(np.random.default_rng(seed), RECIPE, 4)
        assert drawn.left.shape == (4, 2, RECIPE.size - RECIPE.fetched)
        asked |= set(drawn.about.flatten().tolist())
    assert asked == set(range(RECIPE.most))


def test_a_questions_own_latents_are_those_of_its_fact(model) -> None:
    drawn, new, candidates = _step(model)
    whole = torch.cat([torch.zeros(9, dtype=torch.int64), things(drawn.told)])
    for row, question in enumerate(drawn.asked):
        its = candidates.own[row].reshape(-1, 4)
        assert its.all(1).sum() == its.any(1).sum() == 1
        assert whole[its.any(1)] == question[5] * 2**16 + question[7]
    assert torch.equal(candidates.latents[2][9 * 4 :], new[2].flatten(0, 1))


def test_an_earlier_fact_about_the_same_thing_is_neither_right_nor_wrong(model) -> None:
    drawn = older(np.random.default_rng(1), RECIPE, 4)
    drawn, _, candidates = _step(model, drawn.told[:9])
    rows = len(drawn.asked) // len(drawn.about)
    assert candidates.doubled[:rows].sum(1).tolist() == [4] * rows
    assert not (candidates.doubled & candidates.own).any()
    fits = candidates.fits(model, 1, torch.randn(len(drawn.asked), 3, 128), through=False)
    assert fits[candidates.doubled].isinf().all() and candidates.nats(fits).isfinite()


def test_the_loss_is_least_where_own_latents_fit_best(model) -> None:
    _, _, candidates = _step(model)
    right = candidates.own.float() * 30
    assert candidates.nats(right).item() == pytest.approx(np.log(4), abs=1e-3)
    assert candidates.nats(-right) > 30


def test_what_is_fetched_is_the_best_that_the_pool_has_not(model, monkeypatch) -> None:
    drawn, new, candidates = _step(model)
    seen: list[torch.Tensor] = []
    fill = caches.LatentLayer.fill
    monkeypatch.setattr(
        caches.LatentLayer, "fill", lambda layer, one: (seen.append(one), fill(layer, one))[1]
    )
    found = _stored(model, drawn, new, candidates)
    assert torch.stack(list(found)).isfinite().all()
    first = seen[0]
    assert first.shape == (8, RECIPE.size, 128)
    each = len(drawn.asked) // len(drawn.about)
    for row, begins in enumerate(first[:, : RECIPE.fetched]):
        pool, step = first[row, RECIPE.fetched :], candidates.latents[0]
        left = drawn.left[0, row // each] + (row // each) * RECIPE.most * 4
        assert torch.equal(pool, new[0].flatten(0, 1)[left])
        places = {int((step == one).all(1).nonzero()[-1]) for one in begins}
        assert len(places) == RECIPE.fetched
        assert not places & {9 * 4 + int(one) for one in left}


@pytest.mark.parametrize("through", [True, False])
def test_gradients_reach_the_model_and_the_projectors(model, through) -> None:
    trained = copy.deepcopy(model)
    drawn, new, candidates = _step(trained)
    found = _stored(trained, drawn, new, candidates, through=through)
    (found.answers + found.retriever if through else found.retriever).backward()
    query, _ = retrieving.retriever(trained, 2)
    assert query[0].weight.grad is not None and query[0].weight.grad.abs().sum() > 0
    embedded = trained.get_input_embeddings().weight.grad
    assert (embedded is not None and bool(embedded.abs().sum() > 0)) == through


def test_all_stages_run_and_tell_their_losses() -> None:
    trained = recall_lm.load(nano=True).model
    told = train(trained, RECIPE)
    assert told["steps"] == 5
    assert {"answers", "retriever", "store_answers", "store_retriever"} <= told.keys()
    assert not trained.training and all(np.isfinite(one) for one in told.values())


def test_a_facts_own_latents_are_fetched_if_they_are_to_be(model) -> None:
    method = load("weights.pool", "m-plus", num_tokens=4, num_blocks=3, num_ltm_blocks=1)
    stream = Stream.of(14, 0)
    *_, (_, pool) = stream.read(model, method)
    its = (pool.stored == 2).sum(1).tolist()
    given, free = (_asked(model, stream, pool, 2, 4, own=own).found for own in (True, False))
    assert its == [4] * 4 and given == [1.0] * 4
    assert len(free) == 4 and all(0 <= one <= 1 for one in free) and sum(free) < 4


def test_an_interval_holds_the_share_and_narrows_with_more_questions() -> None:
    few, many = share(3, 10), share(300, 1000)
    for found in (few, many):
        assert found["95 % from"] < 0.3 < found["to"]
    assert many["to"] - many["95 % from"] < few["to"] - few["95 % from"]
    assert share(0, 10)["95 % from"] == 0 and share(10, 10)["to"] == 1


def _stored(model, drawn: Pools, new, candidates: Candidates, *, through: bool = True):
    rng = np.random.default_rng(0)
    return stored(model, drawn, new, FILLER, candidates, rng, RECIPE.fetched, through=through)
