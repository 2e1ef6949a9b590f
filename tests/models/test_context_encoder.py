"""The encoder of the embedder `context`: what it reads together, and files of another shape."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnemon import blas
from mnemon.errors import EmbedderError
from mnemon.models import context_model, static_model
from mnemon.models.context_encoder import HEAD, WINDOW, Encoder
from mnemon.models.context_reader import Reader
from mnemon.models.embed.context import ContextEmbedder

READER = context_model.load(None)
ENCODER = READER.encoder
PLAIN = ContextEmbedder(tuning="")
WORDS = "river bank money harbour loan boat water account shore teller " * 20


def ids(text: str) -> list[int]:
    return static_model.load(static_model.BUNDLED).known(text, 8192)


def test_a_word_means_what_those_around_it_make_of_it() -> None:
    river, money = PLAIN.embed(["we sat on the bank of the river", "I went to the bank for a loan"])
    shore, cash = PLAIN.embed(["we sat at the shore of the lake", "I asked for credit"])
    assert river @ shore > money @ shore + 0.1
    assert money @ cash > river @ cash + 0.1


def test_the_same_pieces_in_another_order_are_read_otherwise() -> None:
    bite = ids("the dog did not bite the man")
    there, back = READER.read([bite, bite[::-1]])
    assert np.abs(there - back).max() > 1e-3


@pytest.mark.parametrize("count", [1, 2, 33, WINDOW])
def test_pieces_of_one_window_are_read_together(count: int) -> None:
    some = ids(WORDS)[:count]
    apart = READER.read([[piece] for piece in some]).sum(axis=0)
    (together,) = READER.read([some])
    assert np.isfinite(together).all()
    assert (count == 1) == np.allclose(together, apart, atol=1e-3)


def test_windows_are_read_by_themselves() -> None:
    some = ids(WORDS)[: 2 * WINDOW + 7]
    parts = [some[start : start + WINDOW] for start in range(0, len(some), WINDOW)]
    np.testing.assert_array_equal(READER.read([some])[0], np.add.reduce(READER.read(parts), axis=0))


def test_pieces_that_it_was_not_taught_are_passed_over() -> None:
    untaught = np.flatnonzero(READER.rows.scales == 0)[:3].tolist()
    said = ids("the cat sleeps")
    sums = np.ones((2, len(ENCODER.summed)), np.float32)
    with_them, without = READER.meanings(sums, [[untaught[0], *said, *untaught], said])
    np.testing.assert_array_equal(with_them, without)
    only, none = READER.meanings(sums, [untaught, []])
    np.testing.assert_array_equal(only, none)


def test_threads_that_meet_the_same_pieces_get_the_same_bits() -> None:
    said = [ids(text) for text in (WORDS, "a quiet morning in the garden", WORDS[:50])]
    wanted = READER.read(said)
    for _ in range(5):
        fresh = Reader(READER.rows, ENCODER)
        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(fresh.read, [said] * 16):
                np.testing.assert_array_equal(found, wanted)


def test_no_product_is_so_large_that_blas_starts_threads() -> None:
    assert WINDOW * ENCODER.width * blas._TILE <= blas.ALONE
    assert WINDOW * WINDOW * HEAD <= blas.ALONE


def test_however_much_pieces_attract_each_other_a_text_is_finite() -> None:
    loud = replace(ENCODER, heads=ENCODER.heads * 100, near=ENCODER.near * 100)
    rows = READER.rows.take(np.array(ids(WORDS)[:WINDOW]))
    read = loud.read(rows[None], loud.brought(rows)[None])
    assert np.isfinite(read).all()


def test_what_is_written_is_read_again() -> None:
    halves = ENCODER.arrays()
    again = Encoder.of(halves)
    assert all(array.dtype == np.float16 for array in halves.values())
    for name, array in halves.items():
        np.testing.assert_array_equal(again.arrays()[name], array)


@pytest.mark.parametrize("name", ["heads", "near", "alone_bias", "beside", "last", "summed"])
def test_parts_that_do_not_fit_each_other_are_refused(name: str) -> None:
    odd = replace(ENCODER, **{name: getattr(ENCODER, name)[..., :-1]})
    with pytest.raises(ValueError, match="of the encoder is"):
        Encoder.of(odd.arrays())


def test_a_damaged_encoder_says_what_to_do(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(context_model.FOLDER, tmp_path / "context"))
    (folder / "encoder.npz").write_bytes(b"no archive")
    with pytest.raises(EmbedderError, match=r"encoder\.npz.*distil_encoder"):
        context_model.load(None, folder)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "wide"])
def test_damaged_rows_say_what_to_do(tmp_path: Path, damage: str) -> None:
    folder = Path(shutil.copytree(context_model.FOLDER, tmp_path / "context"))
    rows = folder / "vectors.npy"
    held = np.load(rows)
    rows.unlink()
    if damage == "empty":
        rows.touch()
    elif damage != "missing":
        np.save(rows, held[:-1] if damage == "cut" else held.astype(np.int16))
    with pytest.raises(EmbedderError, match=r"vectors\.npy.*distil_encoder"):
        context_model.load(None, folder)
