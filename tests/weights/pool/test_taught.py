"""A model trained for a few seconds answers from its pool, and not without the fact."""

from __future__ import annotations

import torch
from tests.weights.pool.models import FEW, IDS, QUESTIONS, TOLD, VALUES, Loaded

from mnemon import Memory
from mnemon.cube import Draft
from mnemon.forgotten import questions, verify
from mnemon.methods import load
from mnemon.weights import PoolReader, absorb
from mnemon.weights.pool import _retriever as retrieving

SIZE = {"num_tokens": FEW.num_tokens, "num_blocks": FEW.num_blocks}
FACTS = 6


def _right(reader: PoolReader) -> list[bool]:
    return [reader.answer(QUESTIONS[one], most=3) == VALUES[one] for one in range(FACTS)]


def test_what_was_trained_answers_forgets_and_finds_the_facts_own_latents(taught) -> None:
    """One test, for the model is trained for it."""
    _answers_and_forgets(taught)
    _finds_own_latents(taught)
    _is_found_if_it_still_tells(taught)


def _is_found_if_it_still_tells(taught: Loaded) -> None:
    with Memory(":memory:", namespace="ana") as memory:
        cubes = memory.add([Draft(text, kind="fact") for text in TOLD[:FACTS]])
        pool = memory.artifacts.open(absorb(memory, *taught, **SIZE).pool.key)
        known = _right(PoolReader(memory, *taught, **SIZE)).index(True)
        asked = questions(memory, [cubes[known].id])
        receipt = memory.forget(cubes[known].id)
        assert verify(memory, receipt, asked, *taught).clean
        left = memory.artifacts.derive(  # what a program that forgets its sources would leave
            "latent", memory.list(kind="fact"), pool.payload, method=pool.method, model=pool.model,
            options=pool.header["options"], header={"updates": FACTS},
        )  # fmt: skip
        found = {one.where: one.what for one in verify(memory, receipt, asked, *taught).looks}
        assert found["pools"] == (left.key,) and found["states"] == found["banks"] == ()


def _answers_and_forgets(taught: Loaded) -> None:
    with Memory(":memory:", namespace="ana") as memory:
        cubes = memory.add([Draft(text, kind="fact") for text in TOLD[:FACTS]])
        absorb(memory, *taught, **SIZE)
        before = _right(PoolReader(memory, *taught, **SIZE))
        assert sum(before) >= 3
        lost = before.index(True)
        memory.forget(cubes[lost].id, purge=True)
        absorb(memory, *taught, **SIZE)
        assert not _right(PoolReader(memory, *taught, **SIZE))[lost]


def test_a_base_that_was_not_trained_does_not_answer_from_a_pool(plain) -> None:
    with Memory(":memory:", namespace="ana") as memory:
        memory.add([Draft(text, kind="fact") for text in TOLD[:FACTS]])
        absorb(memory, *plain, **SIZE)
        assert sum(_right(PoolReader(memory, *plain, **SIZE))) <= 1


def _finds_own_latents(taught: Loaded) -> None:
    model = taught.model
    method = load("weights.pool", "m-plus", num_tokens=4, num_blocks=4, num_ltm_blocks=2)
    pool = method.empty(model)
    for ids in IDS:
        pool = method.update(model, pool, ids)
    found, chance = [], 8 / pool.store.shape[1]
    for fact in range(8):
        cache = method.cache(model, pool)
        with torch.no_grad():
            prompt = [1, *taught.tokenizer(QUESTIONS[fact]).input_ids]
            model(torch.tensor([prompt]), cache=cache)
            for layer in range(2, 4):
                query, _ = retrieving.retriever(model, layer)
                best = retrieving.fit(query(cache.seen[layer][0]), pool.keys[layer]).topk(8).indices
                own = pool.stored[layer] == fact
                found.append((own[best].sum() / own.sum()).item())
    assert sum(found) / len(found) > 2 * chance
