"""Products stay in the thread that asks, and are the products."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon.blas import ALONE, multiplied, rows_alone, stacked
from mnemon.text.rerank.listnet import file, kinds, load

_SEARCH = """
import os, threading, time
from mnemon import Memory
from mnemon.bench import synthetic
from mnemon.store.index import foresight

def worked():
    own, ticks = str(threading.get_native_id()), 0
    for thread in os.listdir("/proc/self/task"):
        if thread != own:
            told = open(f"/proc/self/task/{thread}/stat").read().rpartition(")")[2].split()
            ticks += int(told[11]) + int(told[12])
    return ticks

foresight.LEAST = 10**9  # reading ahead is work of another thread, and wanted
with Memory(":memory:") as memory:
    memory.add(synthetic.turns(3000, 0))
    asked = synthetic.questions(30, 0)
    memory.search(asked[0])
    time.sleep(0.5)  # until threads that were started have stopped looking for work
    before = worked()
    memory.add(synthetic.turns(300, 1))
    for question in asked:
        memory.search(question)
        memory.recall(question)
    print(len(os.listdir("/proc/self/task")), worked() - before)
"""


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 200), st.integers(1, 300), st.integers(1, 300), st.integers(0, 9))
def test_multiplied_is_the_product(rows: int, inner: int, width: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    left = draw.standard_normal((rows, inner)).astype(np.float32)
    right = draw.standard_normal((inner, width)).astype(np.float32)
    found = multiplied(left, right)
    assert found.shape == (rows, width) and found.dtype == np.float32
    np.testing.assert_allclose(found, left.astype(np.float64) @ right, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 9), st.integers(1, 64), st.integers(1, 256), st.integers(1, 300),
    st.integers(0, 9),
)  # fmt: skip
def test_products_of_a_stack_have_the_same_bits_one_by_one(
    some: int, count: int, inner: int, width: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    left = draw.standard_normal((some, count, inner)).astype(np.float32)
    right = draw.standard_normal((inner, width)).astype(np.float32)
    found = stacked(left, right)
    assert found.shape == (some, count, width) and found.dtype == np.float32
    np.testing.assert_allclose(found, left.astype(np.float64) @ right, atol=1e-3)
    for one, product in zip(left, found, strict=True):
        np.testing.assert_array_equal(stacked(one[None], right)[0], product)


@given(st.integers(0, 2 * ALONE))
def test_as_many_rows_as_stay_in_one_thread(size: int) -> None:
    rows = rows_alone(size)
    assert rows == 1 or rows * size <= ALONE


@pytest.mark.parametrize("name", kinds())
def test_no_ranker_is_too_wide_for_one_thread(name: str) -> None:
    assert all(weight.size <= ALONE for weight, _ in load(file(name)).layers)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="BLAS starts no threads on one core")
def test_adding_and_searching_keep_no_other_thread_busy() -> None:
    blas = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    free = {name: value for name, value in os.environ.items() if name not in blas}
    done = subprocess.run(
        [sys.executable, "-c", _SEARCH], env=free, check=True, capture_output=True, text=True
    )
    threads, ticks = map(int, done.stdout.split())
    assert threads > 1, "numpy has no threads here: nothing was tried"
    assert ticks == 0
