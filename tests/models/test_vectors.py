"""What is accepted from a model, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from mnemon.errors import DimensionMismatch, EmbedderError, InvalidInput
from mnemon.models.vectors import embedded, unit_rows


@dataclass(frozen=True)
class Named:
    model: str = "scripted"
    revision: str = ""
    dimension: int = 2


def answer(texts, rows, expected=2):
    return embedded(Named(), texts, lambda said: rows, expected)


def test_a_zero_row_stays_zero_and_others_have_length_one():
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0]], rtol=1e-6)


def test_blank_texts_are_not_sent():
    sent = []
    rows = embedded(Named(), ["", "a", " \n"], lambda said: sent.extend(said) or [[0, 2]], 2)
    assert sent == ["a"]
    assert rows.tolist() == [[0, 0], [0, 1], [0, 0]]


def test_nothing_to_send_asks_nothing():
    assert answer([], None).shape == (0, 2)
    assert answer([""], None).tolist() == [[0, 0]]


def test_an_answer_does_not_change_the_models_own_array():
    own = np.array([[3.0, 4.0]], np.float32)
    answer(["a"], own)
    assert own.tolist() == [[3, 4]]


def test_another_dimension_carries_both_numbers():
    with pytest.raises(DimensionMismatch) as caught:
        answer(["a"], [[1, 2, 3]])
    assert (caught.value.expected, caught.value.got) == (2, 3)


@pytest.mark.parametrize(
    "rows",
    [[[1, 2], [3, 4]], [], [1, 2], [[]], [[1], [1, 2]], [["x", "y"]], [[float("nan"), 1]], None],
    ids=["too many", "none", "flat", "no columns", "ragged", "words", "nan", "null"],
)
def test_what_is_no_embedding_is_refused(rows):
    with pytest.raises(EmbedderError, match="scripted"):
        answer(["a"], rows, expected=None)


def test_one_bare_string_is_not_taken_for_letters():
    with pytest.raises(InvalidInput, match=r"pass \[text\]"):
        answer("abc", [[1, 2]])
