"""The Fisher-Rao channel: a metric, that of cosine when all are equally sure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.bench import synthetic
from mnemon.blas import with_vector
from mnemon.store.rows import Filter
from mnemon.text.retrieve.fisher import Fisher, distances

numbers = st.floats(-3, 3)
deviations = st.floats(0.01, 3)
gaussian = st.tuples(st.tuples(numbers, numbers), st.tuples(deviations, deviations))


@pytest.fixture(scope="module")
def looked() -> Iterator[Any]:
    with Memory(":memory:") as memory:
        memory.add(synthetic.turns(120, seed=5))
        yield memory._searcher.look("the train to the harbour", Filter(memory.namespace))


def apart(one: Any, other: Any) -> float:
    means, spreads = (np.asarray(part, dtype=np.float64) for part in one)
    mean, spread = (np.asarray(part, dtype=np.float64) for part in other)
    return float(distances(means[None], spreads[None], mean, spread)[0])


@given(gaussian, gaussian, gaussian)
def test_it_is_a_metric(one: Any, other: Any, third: Any) -> None:
    assert apart(one, one) == pytest.approx(0.0, abs=1e-6)
    assert apart(one, other) == pytest.approx(apart(other, one))
    assert apart(one, third) <= apart(one, other) + apart(other, third) + 1e-6


def test_it_is_the_known_distance_between_one_dimensional_gaussians() -> None:
    # With equal means the geodesic is vertical: sqrt(2) |ln(s1 / s2)|.
    assert apart(((0.0,), (1.0,)), ((0.0,), (np.e,))) == pytest.approx(np.sqrt(2.0))


def test_the_same_step_is_longer_where_one_is_surer() -> None:
    near, far = (apart(((0.0,), (s,)), ((0.1,), (s,))) for s in (1.0, 0.1))
    assert near < far


def test_where_all_are_equally_unsure_the_order_is_that_of_distance(looked: Any) -> None:
    view, query = looked
    ranked = Fisher(spread=0.0, floor=3.0).retrieve(view, query)
    away = np.linalg.norm(view.vectors - query.vector, axis=1)[ranked.indices]
    assert away.tolist() == pytest.approx(sorted(away.tolist()), abs=1e-4)


def test_with_it_the_turns_around_a_cube_matter(looked: Any) -> None:
    view, query = looked
    alike, spread = (Fisher(spread=s).retrieve(view, query) for s in (0.0, 1.0))
    assert set(alike.indices.tolist()) == set(spread.indices.tolist())
    assert alike.indices.tolist() != spread.indices.tolist()


def test_only_the_closest_are_compared(looked: Any) -> None:
    view, query = looked
    ranked = Fisher(depth=7).retrieve(view, query)
    nearest = np.argsort(-with_vector(view.vectors, query.vector), kind="stable")[:7]
    assert set(ranked.indices.tolist()) == set(nearest.tolist())
    assert ((ranked.scores > 0) & (ranked.scores <= 1)).all()
