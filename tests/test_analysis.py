"""What counts as the same word."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import analysis
from mnemon.analysis import without_marks


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("running", "She runs every day"),
        ("Café", "the CAFE on the corner"),
        ("Caroline’s", "Caroline is here"),
        ("北京", "我住在北京市"),
        ("猫", "黒猫がいる"),
        ("한국", "한국어를 배운다"),
        ("مرحبا", "مرحبا بالعالم"),
        ("Straße", "STRASSE"),
        ("naïve", "nai\u0308ve"),
    ],
)
def test_a_question_word_meets_its_forms(asked: str, said: str) -> None:
    assert set(analysis.query_terms(asked)) & set(analysis.terms(said))


def test_function_words_are_asked_for_only_when_there_is_nothing_else() -> None:
    assert analysis.query_terms("What is the plan?") == ["plan"]
    assert analysis.query_terms("Who are you?") != []


@pytest.mark.parametrize("text", ["Are you in?", "本当？", "So?  [photo: a dog]", 'He said "why?"'])
def test_a_text_that_ends_asking_asks(text: str) -> None:
    assert analysis.asks(text)
    assert not analysis.asks(text + " Yes.")


@given(st.text())
def test_every_text_has_terms_without_spaces(text: str) -> None:
    for term in (*analysis.terms(text), *analysis.query_terms(text)):
        assert term and " " not in term and len(term) <= 64
    assert analysis.terms(text) == analysis.terms(text)


@given(st.text())
def test_a_text_loses_its_marks_and_nothing_else(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    kept = [char for char in decomposed if unicodedata.category(char) not in ("Mn", "Mc")]
    assert without_marks(text) == unicodedata.normalize("NFC", "".join(kept))
