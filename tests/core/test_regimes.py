"""A memory that fits the budget is given whole; a bigger one is searched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Draft, Memory, Policy, Span
from mnemon.store import scope

TURNS = [
    "We moved to Lisbon in March.",
    "The cat hates the new flat.",
    "Did you find a vet?",
    "Yes, around the corner, Dr. Vaz.",
    "My sister brings the piano on Friday.",
    "Where will it stand?",
]


def filled(memory):
    return memory.add(
        [
            {"speaker": ("Ana", "Ben")[place % 2], "content": said, "at": f"2024-05-0{1 + place}"}
            for place, said in enumerate(TURNS)
        ],
        session="s",
    )


def size(memory, **chosen):
    """Tokens of everything."""
    recalled = memory.recall("anything", 10_000, **chosen)
    assert recalled.trace["regime"] == "everything"
    return recalled.tokens


@given(more=st.integers(-40, 40))
def test_everything_is_given_exactly_from_the_budget_at_which_it_fits(more):
    with Memory(":memory:") as memory:
        filled(memory)
        whole = size(memory)
        recalled = memory.recall("Who hates the flat?", whole + more)
        assert recalled.trace["regime"] == ("everything" if more >= 0 else "whole")
        assert recalled.tokens <= whole + more
        assert (len(recalled.hits) == len(TURNS)) == (more >= 0)


def test_everything_is_the_same_for_every_question_and_is_counted_as_read(memory):
    cubes = filled(memory)
    (text,) = {memory.recall(query, 10_000).text for query in ("cat", "piano", "of what?", "")}
    assert all(said in text for said in TURNS)
    recalled = memory.recall("cat", 10_000)
    assert [hit.cube.id for hit in recalled.hits] == [cube.id for cube in cubes]
    assert recalled.trace["cited"] == tuple(cube.id for cube in cubes)
    memory.search("flush", 1)
    memory._searcher.flush()
    assert memory.get(cubes[0].id).usage.reads == 5


def test_with_a_least_score_everything_is_searched_so_that_nothing_can_be_answered(memory):
    filled(memory)
    recalled = memory.recall("Which volcano erupted?", 10_000, min_score=0.99)
    assert (recalled.text, recalled.trace["regime"]) == ("", "whole")


def test_everything_is_what_the_filter_leaves(memory, open_memory):
    cubes = filled(memory)
    fact = memory.add("The vet is open on Sundays.", kind="fact")
    memory.add("Elsewhere it rains.", namespace="elsewhere")
    memory.add(Draft("Ben's secret", policy=Policy(readers=("ben",))))
    memory.add("Over by now.", at="2020-01-01")
    memory.update(memory.search("over by now", 1)[0].cube.id, valid_to="2021-01-01")
    memory.forget(cubes[1].id)
    text = memory.recall("anything", 10_000).text
    assert "Sundays" in text and "Lisbon" in text
    assert not [gone for gone in ("rains", "secret", "Over", "hates") if gone in text]
    assert memory.recall("anything", 10_000, kind="fact").trace["cited"] == (fact.id,)
    before = memory.recall("anything", 10_000, as_of=cubes[-1].recorded_at)
    assert before.trace["regime"] == "everything" and "hates" in before.text
    assert "Sundays" not in before.text
    assert "secret" in open_memory(actor="ben").recall("anything", 10_000).text


def test_a_record_is_not_repeated_beside_its_sources(memory):
    cubes = filled(memory)
    spans = tuple(Span(cube.id, cube.version) for cube in cubes[:2])
    memory.add(Draft("They moved and have a cat.", kind="summary", spans=spans))
    memory.add(Draft("A summary of my own.", kind="summary"))
    text = memory.recall("anything", 10_000).text
    assert "They moved and have a cat." not in text and "summary: A summary of my own." in text
    searched = memory.recall("Who moved and has a cat?", size(memory) - 1)
    assert searched.trace["regime"] == "whole"
    ids = {hit.cube.id for hit in searched.hits}
    shown = "They moved and have a cat." in searched.text
    assert not (shown and {cube.id for cube in cubes[:2]} <= ids)
    assert "They moved" in memory.recall("anything", 10_000, kind="summary").text


def test_the_callers_counter_decides(open_memory):
    memory = open_memory(count_tokens=lambda texts: [len(text) for text in texts])
    filled(memory)
    whole = size(memory)
    assert whole == len(memory.recall("anything", 10_000).text) > 150
    assert memory.recall("cat", whole).trace["regime"] == "everything"
    assert memory.recall("cat", whole - 1).trace["regime"] == "whole"


def test_an_empty_memory_has_nothing_to_give(memory):
    recalled = memory.recall("anything", 10_000)
    assert (recalled.text, recalled.hits, recalled.trace["regime"]) == ("", (), "whole")


def test_in_a_big_scope_all_that_a_filter_leaves_is_given_and_candidates_are_not(
    memory, monkeypatch: pytest.MonkeyPatch
):
    filled(memory)
    memory.add([f"Fact number {i} of many" for i in range(20)], kind="fact")
    monkeypatch.setattr(scope, "LIMIT", 5)
    monkeypatch.setattr(scope, "FEW", 10)
    turns = memory.recall("cat", 10_000, kind="episode")
    assert turns.trace["regime"] == "everything" and len(turns.hits) == len(TURNS)
    assert memory.recall("cat", turns.tokens - 1, kind="episode").trace["regime"] == "chosen"
    assert memory.recall("cat", 10_000).trace["regime"] in ("candidates", "unindexed")
