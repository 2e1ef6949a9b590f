"""A memory's pool: which cubes are in it, and that it dies with each of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.weights.pool.models import QUESTIONS, SMALL, TOLD

from mnemon import Memory
from mnemon.cube import Draft, Policy
from mnemon.errors import InvalidInput, NotFound, StaleArtifact, UnknownName
from mnemon.weights import PoolReader, absorb

OPTIONS = SMALL["memoryllm"]


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory(":memory:", namespace="ana") as opened:
        yield opened


def _told(memory: Memory, texts: list[str]) -> list[str]:
    cubes = memory.add([Draft(text, kind="fact") for text in texts])
    return [one.id for one in cubes]


def _bytes(memory: Memory, found) -> bytes:
    return memory.artifacts.open(found.pool.key).payload


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_pool_that_was_rebuilt_equals_one_that_never_saw_the_cube(name, memory, plain) -> None:
    ids = _told(memory, TOLD[:9])
    first = absorb(memory, *plain, method=name, **SMALL[name], every=3)
    memory.forget(ids[4], purge=True)
    again = absorb(memory, *plain, method=name, **SMALL[name], every=3)
    with Memory(":memory:", namespace="ana") as other:
        _told(other, TOLD[:4] + TOLD[5:9])
        never = absorb(other, *plain, method=name, **SMALL[name])
        assert _bytes(other, never) == _bytes(memory, again)
    assert first.read == tuple(ids) and first.resumed == 0
    assert again.read == (ids[3], *ids[5:]) and again.resumed == 3


def test_forgetting_kills_every_pool_that_has_read_the_cube(memory, plain) -> None:
    ids = _told(memory, TOLD[:6])
    absorb(memory, *plain, **OPTIONS, every=2)
    memory.forget(ids[2])
    held = memory.artifacts.list("latent")
    assert [len(one.sources) for one in held] == [2]
    assert all(ids[2] not in dict(one.sources) for one in held)


def test_new_cubes_are_read_into_the_pool_that_is_there(memory, plain) -> None:
    _told(memory, TOLD[:3])
    absorb(memory, *plain, **OPTIONS)
    new = _told(memory, TOLD[3:5])
    done = absorb(memory, *plain, **OPTIONS)
    assert done.read == tuple(new) and done.resumed == 3
    assert absorb(memory, *plain, **OPTIONS).read == ()
    with Memory(":memory:", namespace="ana") as other:
        _told(other, TOLD[:5])
        assert _bytes(other, absorb(other, *plain, **OPTIONS)) == _bytes(memory, done)


def test_only_the_points_to_go_on_from_stay(memory, plain) -> None:
    for at in range(0, 8, 2):
        _told(memory, TOLD[at : at + 2])
        absorb(memory, *plain, **OPTIONS, every=4)
        absorb(memory, *plain, **OPTIONS, every=4)
    kept = memory.artifacts.list("latent")
    assert sorted(len(one.sources) for one in kept) == [4, 6, 8]


def test_what_may_not_be_compiled_is_not_read(memory, plain) -> None:
    drafts = [
        Draft(TOLD[0], kind="fact"),
        Draft(TOLD[1], kind="fact", policy=Policy(compile=False)),
        Draft(TOLD[2], kind="fact", policy=Policy(readers=(memory.actor,))),
        Draft(TOLD[3], kind="fact", valid_to=datetime(2100, 1, 1, tzinfo=UTC)),
        Draft(TOLD[4], kind="note"),
    ]
    ids = [one.id for one in memory.add(drafts)]
    done = absorb(memory, *plain, **OPTIONS)
    assert done.read == (ids[0],) and list(done.withheld) == ids[1:4]
    assert done.pool is not None and [id for id, _ in done.pool.sources] == [ids[0]]


def test_nothing_to_absorb_is_no_error(memory, plain) -> None:
    done = absorb(memory, *plain, **OPTIONS)
    assert done.pool is None and done.read == ()
    with pytest.raises(NotFound, match=r"mnemon\.weights\.absorb"):
        PoolReader(memory, *plain, **OPTIONS)


def test_a_changed_fact_makes_the_pool_stale_and_a_forgotten_one_ends_it(memory, plain) -> None:
    ids = _told(memory, TOLD[:3])
    absorb(memory, *plain, **OPTIONS)
    reader = PoolReader(memory, *plain, **OPTIONS)
    reader.answer(QUESTIONS[0])
    memory.update(ids[1], TOLD[7])
    with pytest.raises((StaleArtifact, NotFound)):
        reader.answer(QUESTIONS[0])
    done = absorb(memory, *plain, **OPTIONS)
    assert ids[1] in done.read
    reader = PoolReader(memory, *plain, **OPTIONS)
    memory.forget(ids[0])
    with pytest.raises(NotFound):
        reader.answer(QUESTIONS[0])


def test_pools_of_other_options_models_and_namespaces_are_not_read(memory, plain) -> None:
    from mnemon.models import recall_lm

    _told(memory, TOLD[:3])
    absorb(memory, *plain, **OPTIONS)
    other = recall_lm.load(nano=True).model
    for model, options in ((plain.model, {**OPTIONS, "seed": 1}), (other, OPTIONS)):
        with pytest.raises(NotFound):
            PoolReader(memory, model, plain.tokenizer, **options)
    with pytest.raises(InvalidInput, match="1 cube or more"):
        absorb(memory, *plain, every=0)
    with pytest.raises(UnknownName, match="no option"):
        absorb(memory, *plain, tokens=3)
