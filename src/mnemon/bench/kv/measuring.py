"""Measuring one cell on a model that is loaded."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from mnemon.bench.kv.answering import Told, ask, settled
from mnemon.bench.kv.cases import Case, cases, digest
from mnemon.bench.kv.cells import FULL, Cell
from mnemon.bench.kv.rows import OURS, Row
from mnemon.bench.kv.speed import Speed
from mnemon.errors import InvalidInput


@dataclass
class Bench:
    """A model that cells are measured on.

    Attributes:
        context: what decides rows besides their cells, for `Cell.key`.
        tokenizer: None for recall-lm, whose token ids the tasks are.
        at_once: tokens of the prompts of a batch, at most.
    """

    model: Any
    context: dict[str, Any]
    tokenizer: Any = None
    at_once: int = 8192

    def __post_init__(self) -> None:
        self._speed = Speed(self.model)

    def row(self, cell: Cell) -> Row:
        """Measure a cell; what goes wrong is told in the row."""
        began = time.monotonic()
        row = self._empty(cell)
        try:
            row = self._described(row, cell)
            row = self._timed(row, cell) if row.is_speed else self._asked(row, cell)
        except InvalidInput as error:
            row = replace(row, refused=str(error))
        except Exception as error:  # noqa: BLE001 - one cell's failure is its row's, and is counted
            row = replace(row, failed=f"{type(error).__name__}: {error}"[:500])
        return replace(row, seconds=round(time.monotonic() - began, 3))

    def _empty(self, cell: Cell) -> Row:
        return Row(
            key=cell.key(self.context), asked="", system=OURS, **asdict(cell),
            device=self.context["device"], dtype=self.context["dtype"],
        )  # fmt: skip

    def _described(self, row: Row, cell: Cell) -> Row:
        if cell.policy == FULL:
            return replace(row, resolved=FULL)
        policy = settled(self.model, cell.policy, cell.budget)
        assert policy is not None
        needs = tuple(sorted(str(one) for one in policy.needs))
        told = str(policy) or "recency"
        return replace(row, resolved=told, question=policy.question, needs=needs)

    def _asked(self, row: Row, cell: Cell) -> Row:
        asked = cases(cell, self.tokenizer)
        prompts = _mean([len(one.context) for one in asked])
        later = _mean([sum(one.shape) - len(one.context) for one in asked])
        row = replace(row, asked=digest(asked), prompt_tokens=prompts, later_tokens=later)
        told, batch = [], 0
        for alike in _alike(asked):
            part, size = self._in_batches(cell, alike)
            told += part
            batch = max(batch, size)
        return replace(row, batch=batch, **_summed(told))

    def _in_batches(self, cell: Cell, alike: Sequence[Case]) -> tuple[list[Told], int]:
        size = min(len(alike), max(1, self.at_once // sum(alike[0].shape)))
        told: list[Told] = []
        start = 0
        while start < len(alike):
            batch = alike[start : start + size]
            try:
                told.append(ask(self.model, cell.regime, cell.policy, cell.budget, batch))
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size = max(1, size // 2)
                gc.collect()
                torch.cuda.empty_cache()
                continue
            start += size
        return told, size

    def _timed(self, row: Row, cell: Cell) -> Row:
        asked = cases(cell, self.tokenizer)
        length = min(len(one.context) for one in asked)  # another model's tokens may differ
        row = replace(row, asked=digest(asked), prompt_tokens=length, batch=len(asked))
        contexts = [one.context[:length] for one in asked]
        try:
            return replace(row, **self._speed.of(contexts, cell.policy, cell.budget))
        except torch.OutOfMemoryError:
            gc.collect()
            torch.cuda.empty_cache()
            return replace(row, refused="the device's memory is too small for so many at once")


def _alike(asked: Sequence[Case]) -> Iterator[list[Case]]:
    """Cases of one shape together."""
    in_order = sorted(asked, key=lambda one: one.shape)
    for _, group in itertools.groupby(in_order, key=lambda one: one.shape):
        yield list(group)


def _summed(told: Sequence[Told]) -> dict[str, Any]:
    right = [one for part in told for one in part.right]
    watched = [part.most for part in told if part.most is not None]
    scored = sum(part.tokens for part in told)
    return {
        "answers": len(right),
        "right": sum(right),
        "held_bytes": sum(part.held for part in told),
        "full_bytes": sum(part.full for part in told),
        "offloaded_bytes": sum(part.offloaded for part in told),
        "most_held": round(max(watched), 4) if watched else None,
        "nll": sum(part.nll for part in told) / scored if scored else None,
    }


def _mean(values: Sequence[int]) -> int:
    return round(sum(values) / len(values))
