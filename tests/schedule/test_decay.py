"""The slot `schedule.decay`: one contract for all, and each by its own formula."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import methods
from mnemon.cube import MemCube, Usage
from mnemon.text.maintain.forgetting_curve import ForgettingCurve

SLOT = "schedule.decay"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
days = st.floats(0, 4000, allow_nan=False)


def cube(age: float, reads: int = 0, idle: float | None = None) -> MemCube:
    made = NOW - timedelta(days=age)
    last = None if idle is None else NOW - timedelta(days=idle)
    return MemCube("id", 1, "ana", "fact", "x", made, made, usage=Usage(reads, last))


@pytest.mark.parametrize("name", methods.names(SLOT))
@given(age=days, reads=st.integers(0, 10**6), share=st.floats(0, 1), later=days)
def test_strength_is_a_share_that_never_grows_by_waiting(name, age, reads, share, later):
    decay = methods.load(SLOT, name)
    one = cube(age, reads, age * share if reads else None)
    now, then = decay.strength(one, NOW), decay.strength(one, NOW + timedelta(days=later))
    assert 0 <= then <= now + 1e-9 <= 1 + 2e-9


@pytest.mark.parametrize("name", methods.names(SLOT))
@given(age=days, reads=st.integers(1, 1000), share=st.floats(0, 1))
def test_reading_once_more_never_weakens(name, age, reads, share):
    decay = methods.load(SLOT, name)
    one = cube(age, reads, age * share)
    again = replace(one, usage=Usage(reads + 1, NOW))
    assert decay.strength(again, NOW) >= decay.strength(one, NOW) - 1e-9


def test_ebbinghaus_is_the_curve_of_memorybank():
    ebbinghaus = methods.load(SLOT, "ebbinghaus", days=2.0)
    one = cube(30, reads=3, idle=4)
    assert ebbinghaus.strength(one, NOW) == pytest.approx(math.exp(-4 / 2 / (1 + 3)))
    assert ForgettingCurve(days=2.0).faded(one, NOW) == pytest.approx(0.5)


def test_half_is_left_after_a_half_life():
    exponential = methods.load(SLOT, "exponential", half_life=10.0)
    assert exponential.strength(cube(50, 9, idle=10), NOW) == pytest.approx(0.5)
    assert exponential.strength(cube(20), NOW) == pytest.approx(0.25)


def test_the_power_law_sums_uses_and_outlasts_an_exponential():
    power = methods.load(SLOT, "power-law")
    assert power.activation(cube(16), NOW) == pytest.approx(math.log(16**-0.5))
    assert power.activation(cube(16, 2, idle=4), NOW) == pytest.approx(
        math.log(4**-0.5 + 2 * (16**0.5 - 4**0.5) / (0.5 * 12))
    )
    assert power.strength(cube(30), NOW) == pytest.approx(0.5, abs=0.01)
    late = cube(2000, 40, idle=900)
    assert power.strength(late, NOW) > methods.load(SLOT, "exponential").strength(late, NOW)


def test_without_decay_nothing_fades():
    assert methods.load(SLOT, "none").strength(cube(4000), NOW) == 1.0
