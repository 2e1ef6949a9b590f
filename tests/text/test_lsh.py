"""Random-hyperplane hashing: few vectors are looked at, and nearly all that matter are."""

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
from mnemon.errors import InvalidInput
from mnemon.store.rows import Filter
from mnemon.text import hyperplanes
from mnemon.text.retrieve.lsh import LSH


@pytest.fixture(scope="module")
def talk() -> Iterator[Memory]:
    with Memory(":memory:", program="think-in-memory") as memory:
        memory.add(synthetic.turns(2000, seed=0))
        yield memory


def look(memory: Memory, text: str) -> tuple[Any, Any]:
    return memory._searcher.look(text, Filter(memory.namespace))


def recall_and_share(memory: Memory, method: LSH) -> tuple[float, float]:
    """Of the ten nearest those that were looked at, and of all cubes those that were; means."""
    found, shares = [], []
    for question in synthetic.questions(40, seed=0):
        view, query = look(memory, question)
        nearest = np.argsort(-with_vector(view.vectors, query.vector), kind="stable")[:10]
        touched = method.touched(view, query.vector)
        found.append(np.isin(nearest, touched).mean())
        shares.append(len(touched) / len(view.rows))
    return float(np.mean(found)), float(np.max(shares))


def test_a_fifth_of_the_vectors_holds_nine_tenths_of_the_nearest(talk: Memory) -> None:
    found, share = recall_and_share(talk, LSH())
    assert share < 0.2 and found >= 0.9


def test_one_bucket_of_one_table_misses_most(talk: Memory) -> None:
    found, share = recall_and_share(talk, LSH(tables=1, bits=2, share=0.0))
    assert share > 0.2 and found < 0.7


def test_everything_looked_at_is_exact_search(talk: Memory) -> None:
    view, query = look(talk, "the flight to Oslo")
    ranked = LSH(share=1.0, most=10).retrieve(view, query)
    exact = np.argsort(-with_vector(view.vectors, query.vector), kind="stable")[:10]
    assert ranked.indices.tolist() == exact.tolist()


def test_what_comes_later_is_found_as_if_it_had_always_been_there() -> None:
    turns = synthetic.turns(700, seed=1)
    questions = synthetic.questions(5, seed=2)
    answers = []
    for cuts in ((700,), (90, 130, 500, 700)):
        with Memory(":memory:", program="think-in-memory") as memory:
            start, found = 0, []
            for cut in cuts:
                memory.add(turns[start:cut])
                start = cut
                found = [[h.cube.content for h in memory.search(q)] for q in questions]
            answers.append(found)
    assert answers[0] == answers[1]


def test_a_forgotten_cube_is_not_found_and_a_reindexed_store_is_hashed_again() -> None:
    class Reversed:
        model, revision, dimension = "reversed", "1", 64

        def embed(self, texts: Any) -> Any:
            rows = np.zeros((len(texts), 64), np.float32)
            for row, text in zip(rows, texts, strict=True):
                for char in text:
                    row[ord(char) % 64] += 1
            return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)

        def embed_query(self, text: str) -> Any:
            return self.embed([text])[0]

    with Memory(":memory:", program="think-in-memory") as memory:
        cubes = memory.add([turn.content for turn in synthetic.turns(200, seed=4)])
        (first, *_) = memory.search(cubes[7].content)
        assert first.cube.id == cubes[7].id
        memory.forget(cubes[7].id)
        assert cubes[7].id not in [hit.cube.id for hit in memory.search(cubes[7].content)]
        memory.reindex(Reversed())
        assert memory.search(cubes[9].content)[0].cube.id == cubes[9].id


@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 10), st.integers(0, 3))
def test_a_vector_is_in_its_own_bucket_and_nothing_is_nearer(
    count: int, tables: int, bits: int, seed: int
) -> None:
    vectors = np.random.default_rng(seed).standard_normal((count, 24)).astype(np.float32)
    made = hyperplanes.hashed(vectors, tables, bits, seed)
    away = made.distances(vectors[-1])
    assert made.own(vectors[-1])[-1] and away[-1] == away.min() == 0.0


@given(st.integers(2, 80), st.integers(1, 79))
def test_hashing_in_parts_is_hashing_at_once(count: int, cut: int) -> None:
    vectors = np.random.default_rng(0).standard_normal((count, 24)).astype(np.float32)
    made = hyperplanes.hashed(vectors, 3, 5, 0)
    none = hyperplanes.Tables(made.buckets[:, :0], made.centre, made.planes, made.bits)
    parts = hyperplanes.extended(hyperplanes.extended(none, vectors[:cut]), vectors[cut:])
    assert (parts.buckets == made.buckets).all()


def test_equal_vectors_share_every_bucket() -> None:
    vectors = np.random.default_rng(0).standard_normal((9, 24)).astype(np.float32)
    vectors[[2, 5]] = vectors[0]
    groups = list(hyperplanes.hashed(vectors, 4, 8, 0).together())
    assert sum({0, 2, 5} <= set(group.tolist()) for group in groups) == 4


def test_impossible_tables_are_refused() -> None:
    with pytest.raises(InvalidInput, match="1 to 16 bits"):
        LSH(bits=17)
