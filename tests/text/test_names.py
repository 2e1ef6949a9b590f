"""Whom a question names: people spell names in many ways, and words are no names."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.store.rows import Filter
from mnemon.text.programs.default import Default
from mnemon.text.retrieve._matching import Register, name_words
from mnemon.text.retrieve._named import named_speakers, whom, without_names

PEOPLE = [
    "Caroline", "Ben", "Alexandra Meier", "@velo_marta", "José Núñez", "Manuel", "Kez", "Woody",
    "gravelgoose", "田中太郎", "Dr. Sarah Lee", "kasia.k@example.com", "Will",
    "प्रिया",
]  # fmt: skip


def named(question: str, people: list[str] = PEOPLE, heard: int = 0) -> set[str]:
    register = Register()
    for code, name in enumerate(people):
        register.add(code, name)
    codes, _ = register.named(question, range(len(people)), lambda word: heard)
    return {people[code] for code in codes}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What did Caroline buy?", {"Caroline"}),
        ("what did CAROLINE buy", {"Caroline"}),
        ("whats carolines dog called", {"Caroline"}),
        ("What is Caroline's dog called?", {"Caroline"}),
        ("What is Caroline’s dog called?", {"Caroline"}),
        ("what did caro buy", {"Caroline"}),
        ("Did Caro or Alex come?", {"Caroline", "Alexandra Meier"}),
        ("where did Alexandra Meier go", {"Alexandra Meier"}),
        ("what did Carolien say", {"Caroline"}),
        ("what did marta ride", {"@velo_marta"}),
        ("What did @velo_marta ride?", {"@velo_marta"}),
        ("what did jose nunez cook", {"José Núñez"}),
        ("What did Keziah drop?", {"Kez"}),
        ("what did kezzy drop", {"Kez"}),
        ("What did Woodie pull?", {"Woody"}),
        ("When was goose away?", {"gravelgoose"}),
        ("田中太郎は何を食べましたか", {"田中太郎"}),
        ("what did dr lee say", {"Dr. Sarah Lee"}),
        ("Where is Jose\u0301?", {"José Núñez"}),
        ("प्रिया कहाँ है?", {"प्रिया"}),
        ("is kasia in", {"kasia.k@example.com"}),
        ("What will Will do?", {"Will"}),
        ("what did ben and caroline do", {"Ben", "Caroline"}),
    ],
)
def test_a_name_is_known_however_it_is_spelled(question: str, expected: set[str]) -> None:
    assert named(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Which car is at the art show?",
        "Where did they buy it at the Car Show?",
        "Where is the manual?",
        "what will the weather be",
        "Will it rain?",
        "when is the time for the same sample",
        "Who got an example by mail?",
        "a man, a cat and a pen on the bench",
        "What is the doctor's name?",
        "",
    ],
)
def test_ordinary_words_name_nobody(question: str) -> None:
    assert named(question) == set()


def test_an_exact_name_beats_a_doubtful_one() -> None:
    assert named("What did Carol say?", ["Caroline", "Carol"]) == {"Carol"}


def test_what_may_mean_several_people_means_none() -> None:
    assert named("What did Alex say?", ["Alexander", "Alexandra"]) == set()
    assert named("What did Alex say?", ["Alexander", "Ben"]) == {"Alexander"}


def test_a_full_name_tells_two_of_one_first_name_apart() -> None:
    people = ["Anna Schmidt", "Anna Meier"]
    assert named("What did Anna Meier say?", people) == {"Anna Meier"}
    assert named("What did Anna say?", people) == set(people)


def test_a_word_that_is_often_said_is_no_slip() -> None:
    assert named("what did halena say", ["Halina"]) == {"Halina"}
    assert named("what did halena say", ["Halina"], heard=5) == set()


def test_a_mail_address_is_known_by_what_stands_before_the_at() -> None:
    assert name_words("kasia.k@example.com") == ["kasia"]
    assert name_words("@veloMarta99") == ["velo", "marta"]


@given(
    st.lists(st.text(string.ascii_letters, min_size=3, max_size=9), min_size=1, max_size=5),
    st.text(max_size=60),
)
def test_whoever_is_named_is_among_those_there(people: list[str], question: str) -> None:
    assert named(question, people) <= set(people)
    assert named(question, []) == set()


@given(st.text(string.ascii_lowercase, min_size=5, max_size=9), st.data())
def test_one_letter_left_out_is_forgiven_in_what_is_no_word(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(name) - 1))
    slip = name[:place] + name[place + 1 :]
    # With a capital in the middle of a sentence it is a name, be it a word or not.
    found = named(f"what did {slip.capitalize()} say", [name.capitalize(), "Zzyzx"])
    assert found == {name.capitalize()}


def test_a_short_name_gets_the_speakers_bonus_and_is_no_search_term() -> None:
    words = Default(channels=(("words", 1.0, {}),), rerank=None)
    with Memory(":memory:", program=words) as memory:
        memory.add("I love the sea.", speaker="Ben", session="a")
        memory.add("I love the sea too, so much.", speaker="Caroline", session="b")
        memory.add("Caro, are you there?", speaker="Ben", session="c")
        view, query = memory._searcher.look("Does caro love the sea?", Filter("default"))
        (code,) = named_speakers(view, query)
        assert view.names.text(code) == "Caroline"
        assert without_names(view, query, [code]) == ["love", "sea"]
        assert memory.search("Does caro love the sea?")[0].cube.speaker == "Caroline"
        assert whom(view, query) is whom(view, query)
        memory.add("Hello", speaker="Carolyn")
        view, query = memory._searcher.look("Does caro love the sea?", Filter("default"))
        assert named_speakers(view, query) == []
