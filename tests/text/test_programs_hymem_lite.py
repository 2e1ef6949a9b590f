"""HyMem-lite: when the statements suffice, and when the raw turns are read."""

from __future__ import annotations

from typing import Any

import pytest

from mnemon import Draft, Memory, methods
from mnemon.errors import InvalidInput
from mnemon.store.rows import Filter

WEATHER = ["cloudy", "rainy", "windy", "stormy", "sunny", "foggy", "icy", "dry", "warm", "humid",
           "chilly", "mild"]  # fmt: skip


@pytest.fixture
def memory() -> Any:
    with Memory(":memory:", program="hymem-lite") as memory:
        said = [f"Well. The weather was {word} over the harbour today." for word in WEATHER]
        said.append("Hello there! Grandfather repaired the church organ in Freiburg. Nice, right?")
        memory.add([Draft(text, speaker="Ana", session="s") for text in said])
        memory.reflect()
        yield memory


def found(memory: Memory, text: str, **options: Any) -> Any:
    view, query = memory._searcher.look(text, Filter(memory.namespace))
    ranking = methods.load("text.retrieve", "tiers", **options).retrieve(view, query)
    return [(view.names.text(int(view.kinds[i])), view.texts([i])[0]) for i in ranking.indices]


def test_a_question_that_one_statement_settles_is_answered_by_statements(memory: Memory) -> None:
    hits = memory.search("Who repaired the church organ in Freiburg?")
    assert {hit.cube.kind for hit in hits} == {"event"}
    assert hits[0].cube.content == "Ana: Grandfather repaired the church organ in Freiburg."


def test_a_question_that_none_settles_is_answered_by_turns(memory: Memory) -> None:
    hits = memory.search("How was the weather over the harbour?")
    assert {hit.cube.kind for hit in hits} == {"episode"}


@pytest.mark.parametrize(("tier", "kind"), [("light", "event"), ("deep", "episode")])
@pytest.mark.parametrize("question", ["Who repaired the organ in Freiburg?", "the weather"])
def test_a_tier_can_be_forced(memory: Memory, tier: str, kind: str, question: str) -> None:
    assert {one for one, _ in found(memory, question, tier=tier)} == {kind}


def test_the_threshold_decides(memory: Memory) -> None:
    question = "Who repaired the church organ in Freiburg?"
    assert found(memory, question, support=0.0)[0][0] == "event"
    assert found(memory, question, support=1.01)[0][0] == "episode"


def test_each_tier_keeps_its_size(memory: Memory) -> None:
    assert len(found(memory, "the weather over the harbour", tier="light", light=4)) == 4
    assert len(found(memory, "the weather over the harbour", tier="deep", deep=7)) == 7


def test_light_answers_cost_fewer_words(memory: Memory) -> None:
    question = "Who repaired the church organ in Freiburg?"
    light = sum(len(hit.cube.content.split()) for hit in memory.search(question, 50))
    with Memory(":memory:", program="fused") as other:
        other.add([cube.content for cube in memory.list(kind="episode")])
        assert light < sum(len(hit.cube.content.split()) for hit in other.search(question, 50))


def test_without_statements_the_turns_answer() -> None:
    with Memory(":memory:", program="hymem-lite") as memory:
        memory.add("Grandfather repaired the church organ in Freiburg.")
        assert memory.search("church organ")[0].cube.kind == "episode"


def test_a_statement_quotes_the_stretch_it_cites(memory: Memory) -> None:
    for cube in memory.list(kind="event"):
        turn = memory.get(cube.provenance.spans[0].cube).content
        quoted = [turn[span.start : span.end] for span in cube.provenance.spans]
        assert cube.content == f"Ana: {' '.join(quoted)}"


def test_a_statement_has_the_sentences_that_tell_most_in_their_order() -> None:
    said = "Hi! Grandfather repaired the organ. We ate. Freiburg celebrated its harvest. Right?"
    with Memory(":memory:") as memory:
        (two,) = methods.load("text.extract", "events").extract([memory.add(said)])
        (one,) = methods.load("text.extract", "events", sentences=1).extract(memory.list())
    assert two.content == "Grandfather repaired the organ. Freiburg celebrated its harvest."
    assert one.content in two.content.replace(". ", ".|").split("|")


def test_questions_and_pleasantries_give_no_statement() -> None:
    with Memory(":memory:") as memory:
        memory.add(["Thanks!", "How are you doing today?", "So nice, wow"])
        assert list(methods.load("text.extract", "events").extract(memory.list())) == []


def test_a_statement_of_a_sentence_without_end_is_cut_at_a_word() -> None:
    with Memory(":memory:") as memory:
        cube = memory.add("lighthouse keepers count ships " * 40)
        (draft,) = methods.load("text.extract", "events", most=100).extract([cube])
        assert len(draft.content) <= 100 and cube.content.startswith(draft.content + " ")


def test_an_unknown_tier_is_told() -> None:
    with pytest.raises(InvalidInput, match="'auto', 'light' or 'deep'"):
        methods.load("text.retrieve", "tiers", tier="middle")
