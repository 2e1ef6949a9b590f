"""Plans with the small model: compiling, consolidating, this process's memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from mnemon.kv.tiers import Tiers
from mnemon.models import recall_lm
from mnemon.schedule import Rules, plan
from mnemon.schedule.costs import Costs
from mnemon.weights import Reader

CODES = ("x04 x1a x44 xc5", "x10 x22 x31 x4f", "x77 x08 x9a xb1", "xc2 xd3 xe4 xf5")
NAMES = ("maiposhi", "leze", "tizo", "jairo")


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def nano():
    return recall_lm.load(nano=True)


@pytest.fixture
def facts(told) -> list[str]:
    """Ids of four facts of 10 tokens (20,520 bytes in the small model), read 24, 12, 6, 0 times."""
    return [
        told(f"the code for {name} is {code} .", reads=reads, kind="fact")
        for name, code, reads in zip(NAMES, CODES, (24, 12, 6, 0), strict=True)
    ]


def of(found, action):
    return [one.cube for one in found.decisions if one.action == action]


def settled(memory, nano, **given):
    """Carry a plan out; another right after has nothing to do."""
    found = plan(memory, model=nano, **given)
    done = found.apply()
    assert not done.left and done.done == found.decisions
    again = plan(memory, model=nano, **given)
    assert again.decisions == () and again.held == found.after
    return found


def test_what_is_used_is_compiled_and_what_is_not_is_left_alone(memory, facts, nano):
    found = settled(memory, nano)
    assert sorted(of(found, "compile")) == facts[:3]
    assert all(one.saves > 1.25 * 0.25 * one.costs for one in found.decisions)
    assert memory.artifacts.list("kv-chunk")[0].size == found.decisions[0].bytes
    assert memory.compile({}, nano).fresh == 3


def test_a_plan_never_exceeds_a_budget_whatever_it_is(memory, facts, nano):
    for size in (0, 20_000, 41_039, 41_040, 10**6):
        found = settled(memory, nano, budgets={"kv": size})
        held = sum(one.size for one in memory.artifacts.list("kv-chunk"))
        assert held == found.after["kv"] <= size
    small = settled(memory, nano, budgets={"kv": 20_520})
    assert sorted(of(small, "drop")) == facts[1:3]  # the one that saves most stays


def test_what_others_compiled_meanwhile_counts_when_a_plan_is_applied(memory, facts, nano):
    found = plan(memory, model=nano, budgets={"kv": 41_040})
    assert len(of(found, "compile")) == 2
    memory.compile([facts[3]], nano)
    done = found.apply()
    assert [why for _, why in done.left] == ["there is no longer room for it within the budget"]
    assert sum(one.size for one in memory.artifacts.list("kv-chunk")) == 41_040


def test_alternating_use_under_a_budget_for_one_compiles_once(memory, told, nano):
    ids = [told(f"the code for {name} is {CODES[0]} .", reads=20) for name in NAMES[:2]]
    actions = []
    for turn in range(8):
        memory._store.count_reads({ids[turn % 2]: 5})
        found = plan(memory, model=nano, budgets={"kv": 20_520})
        actions += [one.action for one in found.decisions]
        found.apply()
    assert actions == ["compile"]
    # What has really become more useful takes its place, once.
    memory._store.count_reads({ids[1]: 10_000})
    last = settled(memory, nano, budgets={"kv": 20_520})
    assert [one.action for one in last.decisions] == ["drop", "compile"]


def test_stable_facts_that_are_often_used_go_into_weights(memory, facts, nano):
    slow = Costs(training=0.01)
    young = plan(memory, model=nano, costs=slow, budgets={"kv": 0})
    assert of(young, "consolidate") == []
    rules = Rules(stable=0, least=6)
    found = settled(memory, nano, costs=slow, rules=rules, budgets={"kv": 0})
    assert sorted(of(found, "consolidate")) == facts[:3]
    shards = memory.artifacts.list("adapter")
    assert found.after["adapter"] == sum(one.size for one in shards) and len(shards) == 2
    with Reader(memory, *nano) as reader:
        assert reader.route(f"what is the code for {NAMES[0]}")[0] in {one.key for one in shards}
        assert reader.route(f"what is the code for {NAMES[3]}")[0] is None
    size = shards[0].size
    less = settled(memory, nano, costs=slow, rules=rules, budgets={"kv": 0, "adapter": size})
    assert [one.form for one in less.decisions] == ["adapter"] and less.after["adapter"] == size


def test_what_may_not_be_trained_is_not_proposed(memory, facts, nano):
    from mnemon.cube import Policy

    memory.update(facts[0], policy=Policy(compile=False))
    memory.update(facts[1], policy=Policy(readers=("user",)))
    rules = Rules(stable=0, least=6)
    found = plan(memory, model=nano, costs=Costs(training=0.01), rules=rules, budgets={"kv": 0})
    assert of(found, "consolidate") == [facts[2]]


def test_what_is_used_most_comes_into_this_processs_memory_and_leaves_it(
    memory, facts, nano, tmp_path
):
    with Tiers(host=0, disk=tmp_path / "kv") as cold:
        settled(memory, nano, to=cold)
    with Tiers(host="1MB", disk=tmp_path / "kv") as tiers:
        tiers.costs.skips = False
        found = plan(memory, model=nano, to=tiers, budgets={"kv.host": 41_040})
        assert {(one.action, one.to) for one in found.decisions} == {("promote", "host")}
        assert sorted(one.cube for one in found.decisions) == facts[:2]
        assert found.apply().left == ()
        keys = [one.key for one in found.decisions]
        assert {tiers.where(key) for key in keys} == {"host"}
        assert plan(memory, model=nano, to=tiers, budgets={"kv.host": 41_040}).decisions == ()
        out = plan(memory, model=nano, to=tiers, budgets={"kv.host": 0})
        assert {(one.action, one.to) for one in out.decisions} == {("demote", "disk")}
        out.apply()
        assert {tiers.where(key) for key in keys} == {"disk"}
