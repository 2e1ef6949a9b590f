"""Clusters: what is alike comes together, always the same way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon.errors import InvalidInput
from mnemon.kv.episodes.clusters import clustered

DIRECTIONS = np.eye(3, 8)


def test_what_points_the_same_way_is_one_cluster() -> None:
    rng = np.random.default_rng(0)
    order = [0, 1, 2, 1, 0, 2, 2, 1, 0, 0]
    rows = DIRECTIONS[order] * rng.uniform(1, 9, (10, 1)) + rng.normal(0, 0.05, (10, 8))
    found = clustered(rows, 3)
    assert [one.members for one in found] == [(0, 4, 8, 9), (1, 3, 7), (2, 5, 6)]
    for one, direction in zip(found, DIRECTIONS, strict=True):
        assert float(one.centroid @ direction) > 0.95


def test_the_first_medoid_is_nearest_to_the_middle() -> None:
    angles = np.radians([0.0, 20.0, 80.0])
    (only,) = clustered(np.stack([np.cos(angles), np.sin(angles)], 1), 1)
    assert only.medoids == (1, 0, 2)


@settings(max_examples=25)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 99))
def test_every_vector_is_in_one_cluster_and_twice_in_the_same(
    rows: int, count: int, seed: int
) -> None:
    vectors = np.random.default_rng(seed).normal(size=(rows, 4))
    found, again = clustered(vectors, count), clustered(vectors, count)
    assert sorted(member for one in found for member in one.members) == list(range(rows))
    assert len(found) <= count
    assert [one.medoids for one in found] == [one.medoids for one in again]
    assert all(sorted(one.medoids) == list(one.members) for one in found)


def test_no_more_clusters_than_different_vectors() -> None:
    assert len(clustered(DIRECTIONS[[0, 1, 0, 1]], 4)) == 2


@pytest.mark.parametrize("vectors", [np.zeros((0, 3)), np.zeros(3), np.full((2, 2), np.nan)])
def test_what_cannot_be_clustered_is_refused(vectors: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="finite vectors"):
        clustered(vectors, 2)
