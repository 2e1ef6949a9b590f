from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.weights import subjects
from mnemon.weights.lesson import lesson, pairs


@pytest.fixture(scope="module")
def cube():
    with Memory(":memory:") as memory:
        return memory.add("x")


@pytest.mark.parametrize(
    ("told", "subject", "question", "value"),
    [
        ("the code for mai is x04 x1a .", "mai", "what is the code for mai", "x04 x1a"),
        ("remember : the code for mai is x04 .", "mai", "what is the code for mai", "x04"),
        ("note that mai has code x04 .", "mai", "what is the code for mai", "x04"),
        ("user : my mai 's city is leze tizo .", "mai", "what is mai 's city now", "leze tizo"),
        ("The capital of France is Paris.", "France", "what is the capital of France", "Paris"),
        ("Ana's city is now Porto.", "Ana", "what is Ana's city now", "Porto"),
    ],
)
def test_a_fact_asks_for_itself(cube, told, subject, question, value) -> None:
    found = lesson(replace(cube, content=told))
    assert found is not None
    assert (found.subject, found.question.casefold(), found.value) == (
        subject, question.casefold(), value,
    )  # fmt: skip
    assert " ".join(f"{found.stem} {found.value}".split()) in told.replace("now ", "")


def test_what_the_metadata_says_goes_before_the_text(cube) -> None:
    told = {"subject": "Ana", "relation": "boss", "value": "Ben"}
    found = lesson(replace(cube, content="Ben leads Ana's team", metadata=told))
    assert found is not None and (found.question, found.value) == (
        "what is the boss for Ana",
        "Ben",
    )


def test_further_phrasings_are_other_orders_of_the_facts_own_words(cube, loaded) -> None:
    told = lesson(replace(cube, content="the code for mai is x04 ."))
    asked = [
        loaded.tokenizer.decode(one.prompt, skip_special_tokens=True)
        for one in pairs(told, loaded.tokenizer, "Q : {question} ? A :", 3)
    ]
    first, cloze, *others = asked
    assert cloze.endswith("is") and not any("is" in one.split() for one in others)
    assert len({first, *others}) == 3 and len(others) == 2
    assert (
        pairs(told, loaded.tokenizer, "{question}")
        == pairs(told, loaded.tokenizer, "{question}", 3)[:2]
    )


@pytest.mark.parametrize("told", ["hello", "is it raining ?", "Ana met Ben in Porto."])
def test_what_has_no_such_form_teaches_nothing(cube, told) -> None:
    assert lesson(replace(cube, content=told)) is None


_word = st.from_regex(r"[a-z]{2,8}", fullmatch=True)


_around = st.lists(_word, max_size=4)


@given(st.lists(_word, min_size=1, max_size=3), _around, _around, _word)
def test_a_subject_is_found_wherever_it_is_named(name, before, after, salt) -> None:
    known = {subjects.digest(" ".join(name), salt)}
    asked = " ".join([*before, *[word.title() for word in name], *after]) + " ?"
    assert subjects.named(asked, known, salt) in known
    assert subjects.named(asked, known, salt + "!") is None
