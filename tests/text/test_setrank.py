"""What looks at the ranker's best together: what it may change, and whose scores it puts right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory, methods
from mnemon.errors import InvalidInput
from mnemon.store.rows import Filter
from mnemon.text import program, signals
from mnemon.text.programs.default import Default
from mnemon.text.rerank import _attending as attending
from mnemon.text.rerank import listnet, setrank
from mnemon.text.rerank._relations import NAMES, Standing, relations

TURNS = [
    ("Ana", "Did you hear back from the clinic?"),
    ("Ben", "Yes, the surgery is on 14 June."),
    ("Ana", "I painted the fence green today."),
    ("Ben", "My sister teaches the cello in Ghent."),
    ("Ana", "The clinic is green inside."),
]
QUESTION = "Is the fence of the clinic green?"


@pytest.fixture
def looked() -> Any:
    with Memory(":memory:") as memory:
        drafts = [{"speaker": who, "content": said, "at": "2024-05-03"} for who, said in TURNS]
        memory.add(drafts, session="s")
        view, query = memory._searcher.look(QUESTION, Filter(memory.namespace))
        yield view, query, *program.candidates(Default(), view, query)


def bundled() -> attending.Attending:
    return attending.load(setrank.file("static"))


def test_only_the_best_change_places(looked: Any) -> None:
    first = methods.load("text.rerank", "listnet").rerank(*looked).indices.tolist()
    two = methods.load("text.rerank", "setrank", together=2).rerank(*looked).indices.tolist()
    assert sorted(two[:2]) == sorted(first[:2])
    assert two[2:] == first[2:]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_the_order_of_candidates_says_nothing(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    told = random.normal(size=(count, len(signals.NAMES))).astype(np.float32)
    first = random.normal(size=count).astype(np.float32)
    vectors = random.normal(size=(count, 8)).astype(np.float32)
    own = np.arange(count, dtype=np.int32)
    some = random.integers(-1, 3, (2, count)).astype(np.int32)
    standing = Standing(vectors, own, own - 1, own + 1, *some)
    shifts = bundled().shifts(told, first, relations(standing))
    order = random.permutation(count)
    again = bundled().shifts(told[order], first[order], relations(standing.some(order)))
    np.testing.assert_allclose(again, shifts[order], atol=1e-3)


def test_turns_know_how_they_stand_to_each_other(looked: Any) -> None:
    view, *_ = looked
    found = relations(Standing.of(view, np.array([1, 0, 3])))
    of = {name: found[..., place] for place, name in enumerate(NAMES)}
    assert of["previous"].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert of["next"].tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert of["same_speaker"].tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    assert of["same_session"].all() and of["itself"].tolist() == np.eye(3).tolist()
    np.testing.assert_allclose(np.diag(of["alike"]), 1.0, atol=0.02)


def test_vectors_of_another_encoder_are_ranked_by_the_ranker_alone(looked: Any) -> None:
    view, *rest = looked
    foreign = replace(view, space="somebody's-encoder")
    ours = methods.load("text.rerank", "setrank", together=2).rerank(foreign, *rest)
    theirs = methods.load("text.rerank", "listnet").rerank(foreign, *rest)
    assert ours.channel == theirs.channel == "listnet"
    assert ours.indices.tolist() == theirs.indices.tolist()


@pytest.mark.parametrize("together", [0, 50])
def test_a_short_list_is_the_rankers_alone_and_every_list_where_none_are_looked_at(
    looked: Any, together: int
) -> None:
    ours = methods.load("text.rerank", "setrank", together=together).rerank(*looked)
    theirs = methods.load("text.rerank", "listnet").rerank(*looked)
    assert ours.scores.tolist() == theirs.scores.tolist()


def test_networks_beside_another_ranker_are_refused(looked: Any, tmp_path: Path) -> None:
    replace(bundled(), beside="another").write(tmp_path / "own.npz")
    own = methods.load("text.rerank", "setrank", weights=str(tmp_path / "own.npz"), together=2)
    with pytest.raises(InvalidInput, match="beside other weights"):
        own.rerank(*looked)


def test_networks_for_other_signals_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled().write(tmp_path / "own.npz")
    assert attending.load(tmp_path / "own.npz").fitted_on == bundled().fitted_on
    attending.load.cache_clear()
    monkeypatch.setattr(signals, "NAMES", signals.NAMES[:-1])
    with pytest.raises(InvalidInput, match="other signals"):
        attending.load(tmp_path / "own.npz")


@pytest.mark.parametrize("kind", [kind for kind in listnet.kinds() if kind != listnet.UNTUNED])
def test_the_bundled_networks_belong_to_the_bundled_ranker(kind: str) -> None:
    network = listnet.load(listnet.file(kind))
    found = setrank.beside(network, setrank.file(kind))
    assert found.fitted_on == network.fitted_on
