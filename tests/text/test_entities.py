"""Who and what a cube is about: phrases of the question, found as phrases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import analysis
from mnemon.text.phrases import compounds, phrases


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When did Ana go to the support group?", {"support group"}),
        ("Who wrote “Becoming Nicole”?", {"Becoming Nicole"}),
        ("Did he read The Lord of the Rings?", {"Lord of the Rings"}),
        ("San Francisco or Oslo?", {"San Francisco", "Oslo"}),
        ("Is TL-288 fixed, @velo_marta?", {"TL-288", "@velo_marta"}),
        ("Who ran 5 km?", {"5 km"}),
        ("the road-trip", {"road trip"}),
        ("a roadtrip", {"roadtrip"}),
        ("What happened on 5 May 2023?", set()),
        ("who was it", set()),
    ],
)
def test_a_questions_phrases(question: str, expected: set[str]) -> None:
    assert {phrase.text for phrase in phrases(question, {"ana"})} == expected


def test_a_phrase_has_variants_written_as_one_and_apart() -> None:
    assert "roadtrip" in compounds("the road trip")
    assert {"road", "trip"} <= set(compounds("the roadtrip"))
    assert {"20", "km"} <= set(compounds("20km"))


@given(st.text(max_size=120))
def test_any_text_has_phrases_of_its_own_terms(question: str) -> None:
    terms = set(analysis.terms(question)) | set(compounds(question))
    for phrase in phrases(question):
        assert phrase.terms
        assert set(phrase.terms) <= terms


def test_a_phrase_counts_more_than_its_words_apart(empty, ask) -> None:
    empty.add(
        [
            "The group was a support to her in the end.",
            "We founded a support group.",
            "A group of people came.",
            "Supporting groups is hard.",
        ]
    )
    found, told = ask("entities", "When was the support group founded?")
    assert found[:2] == ["We founded a support group.", "Supporting groups is hard."]
    assert "A group of people came." not in found
    assert told[found[0]].startswith("“support group”")
    assert told[found[1]] == "“Supporting groups”"
    assert told[found[2]] == "“group” … “support” (apart)"


def test_a_compound_is_found_in_each_of_its_spellings(empty, ask) -> None:
    spellings = ["Our roadtrip was long.", "Our road trip was long.", "Our road-trip was long."]
    empty.add([*spellings, "The road was long."])
    for asked in ("How was the road trip?", "How was the roadtrip?", "How was the road-trip?"):
        found, _ = ask("entities", asked)
        assert set(found[:3]) == set(spellings)


def test_words_in_neighbouring_lines_count_a_little(empty, ask) -> None:
    empty.add(["A charity called me.", "I said I would race."], session="a")
    empty.add(["The charity race was fun."], session="b")
    found, told = ask("entities", "charity race?")
    assert found[0] == "The charity race was fun."
    assert told["A charity called me."] == "its words are in the lines beside it"


def test_the_rarer_name_counts_more(empty, ask) -> None:
    empty.add([f"Oslo again, number {number}." for number in range(8)])
    empty.add("Then we saw Bergen.")
    found, told = ask("entities", "Were they in Oslo or in Bergen?")
    assert found[0] == "Then we saw Bergen."
    assert told[found[0]] == "“Bergen”"


def test_the_person_asked_about_counts(empty, ask) -> None:
    empty.add("The support group was kind.", speaker="Ben", session="a")
    empty.add("The support group was kind!", speaker="Caroline", session="b")
    empty.add("Did Caroline like it?", speaker="Ben", session="c")
    found, told = ask("entities", "Did Caroline like the support group?")
    assert found[0] == "The support group was kind!"
    assert told[found[0]] == "“support group”; said by Caroline"
    found, told = ask("entities", "What about Caroline?")
    assert found == ["The support group was kind!", "Did Caroline like it?"]
    assert told[found[1]] == "names Caroline"


def test_a_question_without_a_phrase_or_a_person_finds_nothing(empty, ask) -> None:
    empty.add("The support group was kind.", speaker="Ben")
    assert ask("entities", "how was it")[0] == []
