"""ENGRAM: typing by rule, and the union of the best of each type."""

from __future__ import annotations

from typing import Any

import pytest

from mnemon import Draft, Memory, methods
from mnemon.errors import InvalidInput
from mnemon.store.rows import Filter
from mnemon.text.extract.typed import types
from mnemon.text.kinds import TYPES


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("I adopted a cat yesterday.", ("episodic",)),
        ("We will fly to Oslo next week.", ("episodic",)),
        ("My favourite colour is green.", ("semantic",)),
        ("She is allergic to walnuts.", ("semantic",)),
        ("First, make sure that the oven heats.", ("procedural",)),
        ("Always rinse the rice twice.", ("semantic", "procedural")),
        ("Mix the flour with two eggs.", ("procedural",)),
        ("Wow!", ()),
    ],
)
def test_sentences_are_typed_by_what_they_tell(sentence: str, told: tuple[str, ...]) -> None:
    assert types(sentence) == told


def records(text: str) -> dict[str, str]:
    with Memory(":memory:") as memory:
        cube = memory.add(text, speaker="Ana")
        drafts = methods.load("text.extract", "typed").extract([cube])
        for draft in drafts:
            quoted = " ".join(cube.content[s.start : s.end] for s in draft.spans)
            assert draft.content == f"Ana: {quoted}"
        return {draft.kind: draft.content.removeprefix("Ana: ") for draft in drafts}


def test_a_turn_gives_a_record_of_each_type_it_has_something_of() -> None:
    told = records("We moved house on Friday. My job is in Ghent. Mix lime with sand.")
    assert told == {
        "episodic": "We moved house on Friday.",
        "semantic": "My job is in Ghent.",
        "procedural": "Mix lime with sand.",
    }


def test_what_no_rule_knows_goes_along_and_alone_is_episodic() -> None:
    assert records("Wow! My job is in Ghent.") == {"semantic": "Wow! My job is in Ghent."}
    assert records("Wow! Nice!") == {"episodic": "Wow! Nice!"}


@pytest.fixture
def memory() -> Any:
    with Memory(":memory:", program="engram") as memory:
        said = [f"We visited the glass museum on day {n} last year." for n in range(20)]
        said += ["My favourite museum is the glass museum.", "Always visit the museum at noon."]
        memory.add([Draft(text, session=f"s{n}") for n, text in enumerate(said)])
        memory.reflect()
        yield memory


def found(memory: Memory, text: str, **options: Any) -> list[str]:
    view, query = memory._searcher.look(text, Filter(memory.namespace))
    ranking = methods.load("text.retrieve", "typed", **options).retrieve(view, query)
    return view.texts(ranking.indices.tolist())


def test_no_type_drives_out_the_others(memory: Memory) -> None:
    question = "We visited the glass museum last year on day 3"
    typed = found(memory, question, k=2)
    single = found(memory, question, k=2, pools="single")
    assert any(text.startswith("Always") for text in typed)
    assert not any(text.startswith("Always") for text in single)
    assert len(typed) <= 6 and len(single) <= 6


def test_two_records_of_a_turn_are_one_hit() -> None:
    with Memory(":memory:", program="engram") as memory:
        memory.add("We moved house on Friday. My house is in Ghent. Mix lime to paint a house.")
        memory.reflect()
        assert memory.count(kind=TYPES) == 3
        (hit,) = memory.search("the house")
        assert hit.cube.kind == "episode"


def test_an_unknown_pool_is_told() -> None:
    with pytest.raises(InvalidInput, match="'typed' or 'single'"):
        methods.load("text.retrieve", "typed", pools="none")
