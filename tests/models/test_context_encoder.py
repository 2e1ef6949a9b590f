"""The encoder over the static model's rows: what it reads together, and files of another shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mnemon import blas
from mnemon.models import context_encoder, context_model
from mnemon.models.context_encoder import BLOCK, WINDOW, Encoder
from mnemon.models.embed.context import ContextEmbedder
from mnemon.models.embed.static import StaticEmbedder

ENCODER = context_model.load(None)
PLAIN = ContextEmbedder(tuning="")
ROWS = StaticEmbedder()
WORDS = "river bank money harbour loan boat water account shore teller " * 20


def test_a_word_means_what_those_around_it_make_of_it() -> None:
    river, money = PLAIN.embed(["we sat on the bank of the river", "I went to the bank for a loan"])
    shore, cash = PLAIN.embed(["we sat at the shore of the lake", "I asked for credit"])
    assert river @ shore > money @ shore + 0.1
    assert money @ cash > river @ cash + 0.1


def test_the_same_pieces_elsewhere_in_a_text_add_something_else() -> None:
    rows = ROWS.token_vectors("the dog did not bite the man")
    there, back = ENCODER.added(rows), ENCODER.added(rows[::-1])
    assert np.abs(there - back).max() > 1e-3


@pytest.mark.parametrize("count", [1, 31, 32, 33, WINDOW])
def test_pieces_of_one_window_are_read_together(count: int) -> None:
    rows = ROWS.token_vectors(WORDS)[:count]
    apart = sum(ENCODER.added(row[None]) for row in rows)
    together = ENCODER.added(rows)
    assert np.isfinite(together).all()
    assert (count == 1) == np.allclose(together, apart, atol=1e-4)


def test_windows_are_read_by_themselves() -> None:
    rows = ROWS.token_vectors(WORDS)[: 2 * WINDOW + 7]
    parts = [rows[start : start + WINDOW] for start in range(0, len(rows), WINDOW)]
    apart = sum(ENCODER.added(part) for part in parts)
    np.testing.assert_allclose(ENCODER.added(rows), apart, atol=1e-3)


def test_no_product_is_so_large_that_blas_starts_threads() -> None:
    width = ENCODER.heads.shape[2]
    assert context_encoder._ROWS * width * BLOCK <= blas.ALONE
    assert WINDOW * WINDOW * BLOCK <= blas.ALONE


def test_what_is_written_is_read_again() -> None:
    halves = ENCODER.arrays()
    again = Encoder.of(halves)
    assert all(array.dtype == np.float16 for array in halves.values())
    rows = ROWS.token_vectors("Ana moved to Lisbon in March.")
    np.testing.assert_array_equal(again.added(rows), Encoder.of(again.arrays()).added(rows))


@pytest.mark.parametrize("name", ["heads", "near", "joined", "up_bias", "down", "summed"])
def test_parts_that_do_not_fit_each_other_are_refused(name: str) -> None:
    odd = replace(ENCODER, **{name: getattr(ENCODER, name)[..., :-1]})
    with pytest.raises(ValueError, match="of the encoder is"):
        Encoder.of(odd.arrays())
