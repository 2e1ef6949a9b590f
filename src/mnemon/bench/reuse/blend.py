"""Blending measured on questions about several chunks: accuracy, divergence, time to first token.

    from mnemon.bench.reuse.blend import figures, measure_blend
    rows = measure_blend(model, samples=24)
    figures(rows)["blend_accuracy_ratio"]

Chunks are computed beforehand, and their time is not counted: they are what was kept.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mnemon.bench.reuse.chunks import SEVERAL, Chunked, chunked
from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.reuse.blending import Blended, Segment, blended
from mnemon.kv.reuse.chunk import chunk
from mnemon.methods import load

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.reuse.block import Block

METHODS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "full": ("full", {}),
    "naive": ("naive", {}),
    "cacheblend 15 %": ("cacheblend", {"recompute": 0.15}),
    "mentions 15 %": ("mentions", {"recompute": 0.15}),
}
"""By name in a table: a `kv.blend` method and its options."""


@dataclass(frozen=True)
class Row:
    """What one method gave on one task.

    Attributes:
        method: as the caller named it. tokens: of head and chunks. chunks: how many.
        right: samples whose whole answer is what greedy decoding gives, of `samples`.
        divergence: KL of the next token's distribution from full's, in nats, mean.
        recomputed: kept tokens computed anew, over all kept tokens, mean.
        work: token-layers computed, over those of a plain pass, mean.
        seconds: to the first token from kept chunks, median. ratio: over `full`, median.
    """

    task: str
    method: str
    tokens: int
    chunks: int
    samples: int
    right: int
    divergence: float
    recomputed: float
    work: float
    seconds: float
    ratio: float

    @property
    def accuracy(self) -> float:
        """Share of samples answered right."""
        return self.right / self.samples


def measure_blend(
    model: Any,
    tokenizer: Any = None,
    *,
    tasks: Sequence[str] = SEVERAL,
    tokens: int = 1024,
    chunks: int = 8,
    samples: int = 24,
    methods: Mapping[str, tuple[str, Mapping[str, Any]]] = METHODS,
    seed: int = 0,
    headed: bool = True,
) -> list[Row]:
    """One row a task and method, all on the same samples, each beside full on the same sample.

    Args:
        model: one that speaks the language of `mnemon.bench.recall`.
        tokenizer: not used: that language has a token a word.
        tasks: of `mnemon.bench.reuse.chunks`. seed: the first sample's; the others follow.
        methods: by name; one of them is called `full`.
        headed: compute chunks behind `<bos>`; else each alone.

    Raises:
        InvalidInput: `full` is not among the methods, or there are no samples.
    """
    if "full" not in methods or samples < 1:
        raise InvalidInput("blending is measured beside `full`, on at least one sample: add it")
    rows = []
    for task in tasks:
        asked = [chunked(task, tokens, chunks, seed + number) for number in range(samples)]
        told = [dict(_asked(model, one, methods, headed)) for one in asked]
        rows += [_row(task, name, tokens, chunks, told) for name in methods]
    return rows


def figures(
    rows: Sequence[Row], blend: str = "mentions 15 %", naive: str = "naive"
) -> dict[str, float]:
    """`blend_accuracy_ratio`, `naive_accuracy_ratio` (over full's), `blend_recomputed`: over tasks.

    Args:
        blend, naive: names of the methods that are meant.
    """
    full = _mean([one.accuracy for one in rows if one.method == "full"])
    blending = [one for one in rows if one.method == blend]
    return {
        "blend_accuracy_ratio": _mean([one.accuracy for one in blending]) / full,
        "naive_accuracy_ratio": _mean([one.accuracy for one in rows if one.method == naive]) / full,
        "blend_recomputed": _mean([one.recomputed for one in blending]),
        "blend_work": _mean([one.work for one in blending]),
        "blend_divergence": _mean([one.divergence for one in blending]),
        "blend_ttft_ratio": _mean([one.ratio for one in blending]),
    }


@dataclass(frozen=True)
class _Told:
    right: bool
    divergence: float
    recomputed: float
    work: float
    seconds: float
    ratio: float


def _asked(
    model: Any,
    asked: Chunked,
    named: Mapping[str, tuple[str, Mapping[str, Any]]],
    headed: bool,
) -> Iterator[tuple[str, _Told]]:
    head = chunk(model, torch.tensor(asked.head))
    behind = asked.head if headed else ()
    texts = [torch.tensor(one) for one in asked.chunks]
    parts = [Segment(ids, chunk(model, ids, behind)) for ids in texts]
    parts.append(Segment(torch.tensor(asked.question.ids)))
    order = sorted(named, key=lambda name: name != "full")
    full, seconds = _timed(model, parts, head, *named["full"])
    sure = full.logits.float().log_softmax(-1)
    for name in order:
        made, took = (full, seconds) if name == "full" else _timed(model, parts, head, *named[name])
        other = made.logits.float().log_softmax(-1)
        divergence = float((sure.exp() * (sure - other)).sum())
        right = _right(model, made, asked.question.answer)
        yield name, _Told(right, divergence, made.share, made.work, took, took / seconds)


def _timed(
    model: Any, parts: Sequence[Segment], head: Block, name: str, options: Mapping[str, Any]
) -> tuple[Blended, float]:
    method = load("kv.blend", name, **options)
    began = time.perf_counter()
    made = blended(model, parts, method, prefix=head)
    int(made.logits.argmax())  # waits for the device
    return made, time.perf_counter() - began


def _right(model: Any, made: Blended, answer: Sequence[int]) -> bool:
    """Whether greedy decoding gives the answer: one pass over it tells, as in teacher forcing."""
    ids: Tensor = torch.tensor(answer, device=made.logits.device)
    first = bool(made.logits.argmax() == ids[0])
    if not first or len(ids) == 1:
        return first
    with torch.no_grad():
        logits = seam.forward(model, ids[None, :-1], made.cache)
    return bool((logits[0].argmax(-1) == ids[1:]).all())


def _row(
    task: str, name: str, tokens: int, chunks: int, told: Sequence[Mapping[str, _Told]]
) -> Row:
    each = [one[name] for one in told]
    return Row(
        task=task, method=name, tokens=tokens, chunks=chunks, samples=len(each),
        right=sum(one.right for one in each),
        divergence=_mean([one.divergence for one in each]),
        recomputed=_mean([one.recomputed for one in each]),
        work=_mean([one.work for one in each]),
        seconds=statistics.median([one.seconds for one in each]),
        ratio=statistics.median([one.ratio for one in each]),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
