"""The approximate index by itself: what its lists find, and what they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon.bench import synthetic
from mnemon.models.embed.static import StaticEmbedder
from mnemon.store.index import lists
from mnemon.store.index.codes import Codes
from mnemon.store.index.directions import Directions, products
from mnemon.store.packing import pack, split


@pytest.fixture(scope="module")
def blobs():
    return pack(StaticEmbedder().embed([turn.content for turn in synthetic.turns(4000, 0)]))


def codes_of(blobs):
    return Codes(*split(b"".join(blobs), len(blobs)))


@pytest.mark.parametrize("flat", [1000, 10_000])
def test_lists_find_the_nearest_among_each_of_the_wanted(monkeypatch, blobs, flat):
    monkeypatch.setattr(lists, "_FLAT", flat)
    codes = codes_of(blobs[:3500])
    made = lists.Lists.build(codes)
    assert (made.clusters is not None) == (flat == 1000) and len(np.unique(made.ids)) == 3500
    codes.grow(4000)
    codes.put(np.arange(3500, 4000), *split(b"".join(blobs[3500:]), 500))
    made.extend(codes)
    draw, kept = np.random.default_rng(0), []
    for question in synthetic.questions(30, 0):
        vector = StaticEmbedder().embed_query(question)
        exact = codes.scores(np.arange(4000), vector)
        some = draw.random(4000) < 0.3
        wanted = lists.Wanted(np.where(some, 1, 2).astype(np.uint8), (300, 100))
        for eligible, found in zip((some, ~some), made.nearest(codes, vector, wanted), strict=True):
            best = np.argsort(np.where(eligible, -exact, 9.0))[:10]
            assert eligible[found].all() and (np.diff(exact[found]) <= 1e-6).all()
            kept.append(np.isin(best, found).mean())
    assert np.mean(kept) > 0.97


def test_the_same_vectors_give_the_same_lists(blobs):
    one, two = (lists.Lists.build(codes_of(blobs)) for _ in range(2))
    assert (one.ids == two.ids).all() and (one.codes == two.codes).all()


def test_lists_of_no_vectors_at_all_find_nothing_wrong():
    codes = Codes.empty(8)
    codes.grow(30)
    made = lists.Lists.build(codes)
    (found,) = made.nearest(
        codes, np.ones(8, np.float32), lists.Wanted((np.arange(30) < 3).view(np.uint8), (10,))
    )
    assert set(found.tolist()) <= {0, 1, 2}


def test_short_codes_order_vectors_as_their_components_do(blobs):
    codes = codes_of(blobs)
    matrix, vector = codes.rows(np.arange(4000)), StaticEmbedder().embed_query("a new violin")
    directions = Directions.learn(matrix)
    scores = np.empty(4000, dtype=np.float32)
    products(directions.codes(directions.points(matrix)), directions.weights(vector), scores)
    assert np.corrcoef(scores, matrix @ vector)[0, 1] > 0.8
    assert directions.basis.shape[1] < matrix.shape[1] / 2


@settings(deadline=None, database=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(1, 70), st.integers(3, 9))
def test_the_best_are_never_fewer_than_asked_for_and_none_below_is_better(values, keep, outside):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "_SAMPLE", 8)
        scores = np.array(values, dtype=np.float32)
        inside = scores != outside
        found = lists.best(scores, inside, keep)
    among = np.flatnonzero(inside)
    assert np.isin(found, among).all() and len(found) >= min(keep, len(among))
    left = np.setdiff1d(among, found)
    if len(found) and len(left):
        assert scores[left].max() <= scores[found].min()


@settings(deadline=None, database=None)
@given(st.lists(st.integers(0, 4), max_size=40), st.integers(1, 45))
def test_the_highest_come_best_first_and_equal_ones_in_recording_order(values, most):
    ids = np.random.default_rng(0).permutation(len(values)).astype(np.int32)
    scores = np.array(values, dtype=np.float32)
    expected = sorted(range(len(ids)), key=lambda at: (-scores[at], ids[at]))[:most]
    found = lists.highest(ids, scores, most)
    assert found.tolist() == ids[expected].tolist()
