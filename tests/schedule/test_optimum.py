import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import methods
from mnemon.bench.schedule import drawn
from mnemon.schedule.costs import Costs
from mnemon.schedule.optimum import lower_bound
from mnemon.schedule.simulator import simulate
from mnemon.schedule.view import view

questions = st.lists(
    st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True), min_size=1, max_size=12
)
POLICIES = methods.names("schedule.policies")


@given(questions, st.integers(0, 200), st.integers(0, 300), st.sampled_from((0.0, 0.25, 1.0)))
def test_no_policy_costs_less_than_the_bound(make, seen, questions, host, disk, price):
    trace = make(questions)
    found = seen(trace, host, disk, price)
    bound = lower_bound(trace, found, steps=30)
    for name in POLICIES:
        outcome = simulate(trace, methods.load("schedule.policies", name), found)
        assert outcome.cost(price) >= bound - 1e-9


@given(questions, st.integers(0, 4))
def test_of_one_tier_the_bound_is_below_the_optimum_and_not_far(make, seen, questions, room):
    trace = make(questions)
    found = seen(trace, 50 * room, 0)
    best = _optimum(questions, room, found)
    bound = lower_bound(trace, found, ahead=False)
    assert best * 0.85 - 1e-9 <= bound <= best + 1e-9


def _optimum(questions, room, found):
    """By trying every content of a host that has room for so many cubes, after every question."""
    hit, miss = found.from_host[0], found.compute[0]
    costs = {frozenset(): 0.0}
    for used in questions:
        after = {}
        for held, cost in costs.items():
            cost += sum(hit if one in held else miss for one in used)
            could = held | set(used)
            for size in range(min(room, len(could)) + 1):
                for kept in map(frozenset, itertools.combinations(could, size)):
                    after[kept] = min(after.get(kept, cost), cost)
        costs = after
    return min(costs.values())


def test_with_room_for_all_the_bound_is_what_lru_costs(make, seen):
    trace = make([[0, 1], [1, 2], [0, 1, 2], [2]])
    found = seen(trace, 1000, 1000)
    cost = simulate(trace, methods.load("schedule.policies", "lru"), found).cost(0.25)
    assert lower_bound(trace, found, ahead=False) == pytest.approx(cost)
    assert lower_bound(trace, found) < cost


def test_more_steps_are_tighter():
    trace = drawn.zipf(cubes=100, questions=80)
    found = view(trace, Costs(), 5e6, 3e7, 0.25)
    assert lower_bound(trace, found, steps=5) < lower_bound(trace, found, steps=100)
