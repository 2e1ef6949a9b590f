from datetime import UTC, datetime, timedelta

import pytest

from mnemon import methods
from mnemon.cube import MemCube, Policy, Usage
from mnemon.errors import InvalidInput
from mnemon.schedule import Rules
from mnemon.schedule.live.lifecycle import standing

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULES = Rules()


def at(age, usage=None, policy=None):
    made = NOW - timedelta(days=age)
    cube = MemCube("id", 1, "ana", "fact", "x", made, made, usage=usage or Usage(),
                   policy=policy or Policy())  # fmt: skip
    return standing(cube, NOW, methods.load("schedule.decay", "exponential"), RULES)


def used(reads, idle, **more):
    return Usage(reads, NOW - timedelta(days=idle), **more)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (at(0.5), "new"),
        (at(2), "cold"),
        (at(10, used(20, 0.1)), "hot"),
        (at(100, used(20, 1)), "warm"),
        (at(400, used(20, 300)), "cold"),
        (at(10, used(99, 0.1), Policy(retain_until=NOW)), "expired"),
    ],
)
def test_states_follow_from_the_header(found, state):
    assert found.state == state


def test_uses_to_come_are_as_many_a_day_as_so_far_times_strength():
    found = at(10, used(20, 0))
    assert found.expected == pytest.approx(20 / 10 * 7)
    assert at(0.001, used(3, 0)).expected == pytest.approx(21, abs=0.1)  # a day at least
    assert at(10, used(20, 0, strength=0.5)).expected == pytest.approx(7)


def test_judgements_count_as_uses():
    assert at(1, used(5, 0, helpful=3, unhelpful=1)).uses == 7
    assert at(1, used(1, 0, unhelpful=4)).uses == 0


def test_rules_that_make_no_sense_are_refused():
    with pytest.raises(InvalidInput, match="0 or more"):
        Rules(price=-1)
    with pytest.raises(InvalidInput, match="horizon above 0"):
        Rules(horizon=0)
