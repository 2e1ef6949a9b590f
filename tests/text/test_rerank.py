"""The ranker: its signals, its weights, and what it makes of a ranking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory, methods
from mnemon.bench import learning
from mnemon.errors import EmbedderError, InvalidInput, UnknownName
from mnemon.models.cross_encoder import by_torch
from mnemon.models.embed.static import StaticEmbedder
from mnemon.store.rows import Filter
from mnemon.text import asked, program, signals
from mnemon.text.lexicon import lexicon
from mnemon.text.programs.cross_encoded import CrossEncoded
from mnemon.text.programs.default import Default
from mnemon.text.rerank import cross_encoder, listnet
from mnemon.text.rerank._calibration import CONTEXT

from ..models import small_cross_encoder

TURNS = [
    {"speaker": "Ana", "content": "Did you hear back from the clinic?"},
    {"speaker": "Ben", "content": "Yes, the surgery is on 14 June."},
    {"speaker": "Ana", "content": "I painted the fence green today."},
    {"speaker": "Ben", "content": "My sister teaches the cello in Ghent."},
]


@pytest.fixture
def memory() -> Any:
    with Memory(":memory:") as memory:
        memory.add([{**turn, "at": "2024-05-03"} for turn in TURNS], session="s")
        yield memory


def looked(memory: Memory, text: str) -> tuple[Any, ...]:
    view, query = memory._searcher.look(text, Filter(memory.namespace))
    return view, query, *program.candidates(Default(), view, query)


def told(memory: Memory, text: str) -> tuple[Any, np.ndarray]:
    view, query, rankings, fused = looked(memory, text)
    return fused, signals.signals(view, query, rankings, fused.indices)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Options of a small cross-encoder."""
    pytest.importorskip("transformers", reason="the extra 'sentence-transformers' is missing")
    folder = tmp_path_factory.mktemp("encoder")
    base = small_cross_encoder.base(folder / "base")
    tuning = small_cross_encoder.tuning(folder / "tuning", base)
    return {"base": str(base), "tuning": str(tuning), "device": "cpu"}


@pytest.fixture(params=methods.names("text.rerank"))
def reranker(request: pytest.FixtureRequest) -> Any:
    needs = request.param == "cross-encoder"
    options = request.getfixturevalue("encoder") if needs else {}
    return methods.load("text.rerank", request.param, **options)


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_reranker_keeps_every_cube_once_and_scores_in_zero_to_one(
    memory: Memory, reranker: Any
) -> None:
    view, query, rankings, fused = looked(memory, "When is the operation?")
    again = reranker.rerank(view, query, rankings, fused)
    assert sorted(again.indices.tolist()) == sorted(fused.indices.tolist())
    assert again.scores.tolist() == sorted(again.scores.tolist(), reverse=True)
    assert all(0.0 <= score <= 1.0 for score in again.scores.tolist())


@pytest.mark.filterwarnings("ignore::Warning")
def test_only_the_best_are_read_again_and_the_others_follow(
    memory: Memory, encoder: dict[str, str]
) -> None:
    asked = looked(memory, "When is the operation?")
    ranked = methods.load("text.rerank", "listnet").rerank(*asked).indices.tolist()
    one = methods.load("text.rerank", "cross-encoder", depth=1, **encoder).rerank(*asked)
    assert one.indices.tolist() == ranked
    two = methods.load("text.rerank", "cross-encoder", depth=2, **encoder).rerank(*asked)
    assert sorted(two.indices[:2].tolist()) == sorted(ranked[:2])
    assert two.indices[2:].tolist() == ranked[2:]


class Gone(StaticEmbedder):
    """An embedder that cannot embed."""

    def embed_query(self, text: str) -> Any:
        raise EmbedderError("its model went away")


@pytest.mark.filterwarnings("ignore::Warning")
def test_what_a_program_needs_is_loaded_before_the_first_question(
    encoder: dict[str, str], tmp_path: Path
) -> None:
    with Memory(":memory:", program=CrossEncoded(rerank=("cross-encoder", encoder))) as ready:
        before = by_torch.loaded.cache_info().currsize
        assert ready._prepared() is ready
        loaded = by_torch.loaded.cache_info()
        ready.add([{**turn, "at": "2024-05-03"} for turn in TURNS], session="s")
        assert ready.search("When is the operation?")
        assert by_torch.loaded.cache_info().misses == loaded.misses and before <= loaded.currsize
    with pytest.raises(EmbedderError, match="its model went away"):
        Memory(":memory:", embedder=Gone(), program=ready._program)._prepared()
    (tmp_path / "empty").mkdir()
    other = CrossEncoded(rerank=("cross-encoder", {**encoder, "base": str(tmp_path / "empty")}))
    with pytest.raises(EmbedderError, match="give a model on the hub or a local folder"):
        Memory(":memory:", program=other)._prepared()


def test_the_cross_encoder_refuses_vectors_that_it_was_not_fitted_with() -> None:
    with pytest.raises(InvalidInput, match="reindex --embedder minilm"):
        Memory(":memory:", program="cross-encoded")._prepared()
    with pytest.raises(UnknownName, match="did you mean 'listnet'"):
        Memory(":memory:", program=Default(rerank=("listne", {})))._prepared()
    for name in set(methods.names("text.programs")) - {"cross-encoded"}:
        with Memory(":memory:", program=name) as memory:
            memory._prepared()


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_passage_is_a_turn_with_its_speaker_and_those_beside_it(memory: Memory) -> None:
    view, *_ = looked(memory, "When is the operation?")
    first, last = cross_encoder.passages(view, np.array([0, 3]))
    assert first.turn == "Ana: Did you hear back from the clinic?"
    assert (first.before, first.after) == ("", "Ben: Yes, the surgery is on 14 June.")
    assert (last.before, last.after) == ("Ana: I painted the fence green today.", "")


def test_what_lies_deeper_follows_in_its_order(memory: Memory) -> None:
    view, query, rankings, fused = looked(memory, "green fence cello clinic")
    again = methods.load("text.rerank", "listnet", depth=2).rerank(view, query, rankings, fused)
    assert again.indices[2:].tolist() == fused.indices[2:].tolist()
    assert again.scores[2:].max() <= again.scores[1]


def test_signals_have_a_name_each_and_are_finite(memory: Memory) -> None:
    for question in ("When is the surgery?", "?", "Ana", "the of and", "日本語の質問", "x" * 5000):
        fused, values = told(memory, question)
        assert values.shape == (len(fused.indices), len(signals.NAMES))
        assert np.isfinite(values).all()


def test_a_turn_is_found_by_a_word_of_like_meaning(memory: Memory) -> None:
    assert memory.search("When is the operation?")[0].cube.content.startswith("Yes, the surgery")
    fused, values = told(memory, "operation")
    late = dict(zip(fused.indices.tolist(), values[:, signals.NAMES.index("late")], strict=True))
    assert max(late, key=late.__getitem__) == 1


def test_a_question_for_a_time_favours_turns_that_tell_one(memory: Memory) -> None:
    fused, values = told(memory, "When did Ana paint?")
    column = values[:, signals.NAMES.index("when_time")]
    assert column[fused.indices.tolist().index(2)] == 1.0
    assert column[fused.indices.tolist().index(3)] == 0.0 if 3 in fused.indices else True


def test_an_empty_ranking_stays_empty() -> None:
    with Memory(":memory:") as memory:
        assert memory.search("anything") == []


def test_weights_for_other_signals_are_refused(tmp_path: Path) -> None:
    told = json.loads(listnet.file("static").read_text())
    told["signals"] = told["signals"][:-1]
    (tmp_path / "old.json").write_text(json.dumps(told))
    with pytest.raises(InvalidInput, match="other signals"):
        listnet.load(tmp_path / "old.json")


@pytest.mark.parametrize("kind", listnet.kinds())
def test_the_bundled_weights_say_what_they_were_fitted_on(kind: str) -> None:
    fitted_on = listnet.load(listnet.file(kind)).fitted_on
    assert sum(case.startswith("conv-") for case in fitted_on) == 10
    assert not any("held-out" in case or "sample" in case for case in fitted_on)


def test_vectors_of_an_encoder_are_ranked_by_weights_of_their_own() -> None:
    with Memory(":memory:") as memory:
        memory.add("The surgery is on Friday.")
        view, _ = memory._searcher.look("surgery", Filter(memory.namespace))
    assert listnet.bundled(view.space) == listnet.file("context")
    assert listnet.bundled(None) == listnet.file("static")
    assert listnet.bundled("all-MiniLM-L6-v2@1/384") == listnet.file("encoder")


def test_words_are_compared_by_meaning_and_unknown_ones_with_nothing() -> None:
    words = lexicon()
    ids = words.ids("surgery banana", frozenset())
    similar = words.similarities(ids, words.ids("operation", frozenset()))[:, 0]
    assert similar[0] > similar[1]
    assert (
        words.ids("Ana's the of", frozenset({"ana"})).tolist()
        == words.ids("s", frozenset()).tolist()
    )


@pytest.mark.parametrize(
    ("question", "months", "days"),
    [
        ("What happened in May?", {5}, set()),
        ("May I ask where she may go?", set(), set()),
        ("What did Jo do on 31 July, 2023?", {7}, {(7, 31)}),
        ("What was sent on October 13th?", {10}, {(10, 13)}),
    ],
)
def test_dates_in_questions(question: str, months: set[int], days: set[Any]) -> None:
    assert asked.months(question) == months
    assert asked.days(question) == days


def test_the_ranker_learns_what_its_lists_teach_and_the_same_twice() -> None:
    random = np.random.default_rng(1)
    lists = []
    for _ in range(100):
        values = random.normal(size=(20, 4)).astype(np.float32)
        lists.append(learning.Labelled(values, values[:, 2] == values[:, 2].max()))
    first, second = (learning.fit(lists, rounds=20, rate=0.04) for _ in range(2))
    assert all(
        (a == c).all() and (b == d).all() for (a, b), (c, d) in zip(first, second, strict=True)
    )
    network = learning.network(first, lists, ["a"])
    right = [one.holds[network.scores(one.signals).argmax()] for one in lists]
    assert np.mean(right) > 0.85


def drawn(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a list, one of which holds the answer as often as its softmax says; or none."""
    scores = random.normal(0.0, 2.0, count).astype(np.float32)
    odds = np.append(np.exp(scores), np.exp(3.0))
    which = random.choice(count + 1, p=odds / odds.sum())
    return scores, np.arange(count) == which


NOWHERE = np.zeros(len(CONTEXT))


def scored(scores: np.ndarray, holds: np.ndarray) -> learning.Scored:
    return learning.Scored(scores, NOWHERE, holds)


def test_a_list_in_the_wrong_context_is_worth_less() -> None:
    random = np.random.default_rng(3)
    lists = []
    for number in range(600):
        scores, holds = drawn(random, 40)
        right = NOWHERE + number % 2  # every other list is about somebody else
        lists.append(learning.Scored(scores, right, holds & bool(number % 2)))
    curve = learning.calibrate(lists)
    scores = np.array([5.0, 0.0, 0.0], np.float32)
    assert curve.chances(scores, NOWHERE + 1)[0] > 0.5 > 0.1 > curve.chances(scores, NOWHERE)[0]


def test_calibrated_scores_are_probabilities() -> None:
    random = np.random.default_rng(2)
    curve = learning.calibrate([scored(*drawn(random, 150)) for _ in range(2000)])
    seen = [drawn(random, 150) for _ in range(2000)]
    chances = np.array([curve.chances(scores, NOWHERE).max() for scores, _ in seen])
    right = np.array([holds[scores.argmax()] for scores, holds in seen])
    for low in (0.0, 0.25, 0.5):
        inside = (chances >= low) & (chances < low + 0.25)
        if inside.sum() > 100:
            assert abs(chances[inside].mean() - right[inside].mean()) < 0.15


@given(st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=40))
def test_calibration_keeps_the_order_and_stays_between_0_and_1(scores: list[float]) -> None:
    network = listnet.load(listnet.file("static"))
    values = np.asarray(scores, np.float32)
    chances = network.calibration.chances(values, NOWHERE)
    assert ((chances >= 0) & (chances <= 1)).all()
    assert (np.diff(chances[np.argsort(values, kind="stable")]) >= 0).all()


def test_a_score_among_equals_is_worth_less_than_one_that_stands_out() -> None:
    calibration = listnet.load(listnet.file("static")).calibration
    around = NOWHERE + 0.5
    alone = calibration.chances(np.array([4.0, -3.0, -3.0], np.float32), around)[0]
    equals = calibration.chances(np.array([4.0, 4.0, 4.0], np.float32), around)[0]
    assert alone > equals + 0.1


def test_scores_mean_the_same_in_a_memory_of_two() -> None:
    with Memory(":memory:") as small:
        small.add(["We adopted a grey cat called Miso.", "The plumber comes on Friday."])
        right = small.search("What is the cat called?")
        assert right[0].cube.content.startswith("We adopted") and right[0].score > 0.4
        assert right[1].score < 0.2
        assert small.search("Who won the election?", min_score=0.3) == []


def test_evidence_does_not_compete_with_evidence() -> None:
    lists = [np.array([True, False, True, False]), np.array([False, True])]
    scores = np.array([0.3, -0.2, 1.5, 0.4, 0.1, 0.2])

    def loss(at: np.ndarray) -> float:
        told = []
        for z, holds in zip(np.split(at, [4]), lists, strict=True):
            others = np.exp(z[~holds]).sum()
            told.append(np.mean([np.log1p(others / np.exp(own)) for own in z[holds]]))
        return float(np.mean(told))

    step = 1e-6 * np.eye(6)
    slopes = [(loss(scores + one) - loss(scores - one)) / 2e-6 for one in step]
    assert learning._list_errors(scores, lists) == pytest.approx(slopes, abs=1e-7)
    assert not learning._list_errors(scores[:2], [np.array([True, True])]).any()
