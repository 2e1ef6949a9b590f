"""Cells measured in this process, or in several of one thread each.

Models this small keep neither an accelerator nor several threads busy; several processes do.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import torch

from mnemon.bench.layers.cells import Cell, Row


def measured(cells: Sequence[Cell], jobs: int) -> Iterator[Row]:
    """Rows as they come."""
    if jobs == 1 or not cells:
        yield from map(Cell.measured, cells)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(cells)), context, torch.set_num_threads, (1,)) as pool:
        waiting = [pool.submit(cell.measured) for cell in cells]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
