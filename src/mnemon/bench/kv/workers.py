"""Cells measured by one process, or by several that share a device.

A small model leaves a GPU idle most of the time, since the host cannot launch its kernels fast
enough: several processes fill it. Times are taken by the first process alone, when others are done.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from mnemon.bench.kv.cells import SPEED, Cell
from mnemon.bench.kv.loading import Which
from mnemon.bench.kv.measuring import Bench
from mnemon.bench.kv.rows import Row

_of_this_process: Bench | None = None


def measured(bench: Bench, which: Which, cells: Sequence[Cell], workers: int) -> Iterator[Row]:
    """Rows as they come: all that is asked, then all times.

    Args:
        bench: the model in this process. which: how the others load theirs.
    """
    asked = [cell for cell in cells if cell.regime != SPEED]
    if workers > 1 and len(asked) > 1:
        yield from _shared(which, asked, min(workers, len(asked)))
    else:
        yield from map(bench.row, asked)
    yield from (bench.row(cell) for cell in cells if cell.regime == SPEED)


def _shared(which: Which, cells: Sequence[Cell], workers: int) -> Iterator[Row]:
    # A process that was forked cannot use CUDA.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(which,)
    ) as pool:
        waiting = [pool.submit(_row, cell) for cell in cells]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(which: Which) -> None:
    global _of_this_process
    import torch

    torch.set_num_threads(1)
    _of_this_process = which.load()


def _row(cell: Cell) -> Row:
    assert _of_this_process is not None
    return _of_this_process.row(cell)
