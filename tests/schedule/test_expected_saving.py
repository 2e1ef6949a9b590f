import numpy as np
import pytest

from mnemon import methods
from mnemon.bench.schedule import drawn
from mnemon.schedule.chain import Chain
from mnemon.schedule.costs import Costs
from mnemon.schedule.simulator import simulate
from mnemon.schedule.states import ITEMS, STATES
from mnemon.schedule.view import view


@pytest.fixture(scope="module")
def drift():
    trace = drawn.drifting(cubes=600, questions=500, topics=12, dwell=40)
    held = float(Costs().held(trace.tokens.astype(float)).sum())
    return trace, view(trace, Costs(), 0.05 * held, 0.5 * held, 0.25)


def cost(drift, name, **options):
    trace, seen = drift
    return simulate(trace, methods.load("schedule.policies", name, **options), seen).cost(0.25)


@pytest.fixture(scope="module")
def ours(drift):
    """What our policy costs as it is, and all that it decided."""
    trace, seen = drift
    told = []
    policy = methods.load("schedule.policies", "expected-saving")
    outcome = simulate(trace, policy, seen, lambda now, one: told.append(one))
    return outcome.cost(0.25), told


def test_topics_that_come_up_are_compiled_ahead_and_that_pays(drift, ours):
    classical = min(cost(drift, one) for one in ("lru", "lfu", "gdsf"))
    assert ours[0] < 0.95 * classical
    assert ours[0] < cost(drift, "expected-saving", batch=0)


def test_compiling_ahead_never_spends_more_than_it_saved_and_its_risk(drift):
    trace, seen = drift
    told = []
    policy = methods.load("schedule.policies", "expected-saving", risk=0.01)
    outcome = simulate(trace, policy, seen, lambda now, one: told.append(one))
    spent = seen.price * sum(one.costs for one in told if one.action == "compile")
    most = (seen.compute - seen.from_disk + seen.price * seen.write).max()
    assert 0 < spent <= 0.01 * outcome.waited + outcome.ahead_used * most


def test_without_risk_nothing_is_compiled_ahead(drift):
    trace, seen = drift
    policy = methods.load("schedule.policies", "expected-saving", risk=0.0)
    assert simulate(trace, policy, seen).ahead == 0


def test_what_is_never_used_again_is_not_written():
    trace = drawn.zipf(cubes=400, questions=1)
    once = [np.array([one]) for one in range(400)]
    trace = type(trace)("once", trace.tokens, trace.namespaces, trace.groups, once, {})
    seen = view(trace, Costs(), 2e7, 2e8, 0.25)
    lru, ours = (
        simulate(trace, methods.load("schedule.policies", one, **options), seen)
        for one, options in (("lru", {}), ("expected-saving", {"batch": 0}))
    )
    assert ours.writes < lru.writes / 2


def test_decisions_say_why(drift, ours):
    (_, seen), (_, told) = drift, ours
    compiled = next(one for one in told if one.action == "compile")
    assert compiled.saves > seen.price * compiled.costs
    assert "never used" in compiled.reason and "likely to be used" in compiled.reason
    demoted = next(one for one in told if one.action == "demote")
    assert "saves" in demoted.reason and "displaces" in demoted.reason


def test_a_chain_expects_what_it_saw():
    # Two states: in one, half of the cubes are used each step; in the other, none ever is.
    chain = Chain(keep=1.0, prior=1.0, step=1)
    busy, idle = ITEMS + 1, ITEMS + 1 + STATES // ITEMS
    before = np.array([busy] * 100 + [idle] * 100)
    used = np.arange(200) < 50
    for _ in range(200):
        chain.learn(before, before, used)
    chances = chain.chances()
    assert chances[busy] == pytest.approx(0.5, abs=0.01) and chances[idle] < 0.01
    uses = chain.uses(chances, 0.9, np.zeros(STATES), 200)
    assert uses[busy] == pytest.approx(0.5 / (1 - 0.9), rel=0.03)
    first = chain.first(chances, 0.9, np.zeros(STATES), 200)
    assert first[busy] == pytest.approx(0.5 / (1 - 0.5 * 0.9), rel=0.03)
