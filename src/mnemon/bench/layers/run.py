"""Every variant is trained on the same documents, asked, and counted; then facts go into the
bundled model, frozen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mnemon.bench import provenance
from mnemon.errors import InvalidInput
from mnemon.models.extras import require

if TYPE_CHECKING:
    from mnemon.bench.layers.variants import Variant
    from mnemon.bench.layers.world import World

TOPICS, FACTS, STEPS = 16, 16, 160
_TREE = 512  # documents that trees of clusters are made of
_DECODED = 64  # texts that are decoded at once


@dataclass(frozen=True, slots=True)
class Row:
    """One variant of one seed.

    Attributes:
        beside: the memory that it stands beside, and in what it equals that one.
        parameters: beside the decoder's own. operations: a token, with the decoder's.
        bytes_alone, bytes_together: of these parameters that a token reads, when one text is
            decoded, and of 64 at once.
        validation: nats a token of unseen documents. answered: facts, closed-book, in all and in
            the thirds `head`, `middle` and `tail`.
        hit_rate: rows that were there before they were looked up; None without tables.
        fetched: bytes of rows read for a document. same: whether tables in host memory give the
            same logits, bit for bit.
        cpu_seconds: of the training.
    """

    name: str
    beside: str
    seed: int
    parameters: int
    operations: int
    bytes_alone: float
    bytes_together: float
    validation: float
    answered: float
    head: float
    middle: float
    tail: float
    hit_rate: float | None
    fetched: float | None
    same: bool | None
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class LayersRun:
    """One run of `mnemon bench layers`: `frozen` is by method (see `recalling.frozen`)."""

    rows: Sequence[Row]
    frozen: Sequence[dict[str, Any]]
    context: dict[str, Any]
    origin: provenance.Origin


def run_layers(
    seeds: int = 2, *, seed: int = 0, steps: int = STEPS, topics: int = TOPICS, facts: int = FACTS,
    taught: int = 20, only: Sequence[str] | None = None, command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> LayersRun:  # fmt: skip
    """Measure the methods of the slot `weights.layer`.

    Args:
        seeds: how many, from `seed` on, of world, decoder and memory.
        steps: of training. topics, facts: of the world; facts of each topic.
        taught: facts that are trained into a memory on the bundled model's small sibling; 0 leaves
            that part out.
        only: names of what is trained; all if None.
        progress: called with (done, in all).

    Raises:
        InvalidInput: no seeds or steps. UnknownName: nothing is called so.
        MissingExtra: the extra `[weights]` is not installed.
    """
    if seeds < 1 or steps < 1:
        raise InvalidInput(f"{seeds} seeds of {steps} steps measure nothing: take 1 or more")
    for name in ("torch", "transformers", "safetensors"):
        require(name, name, "weights")
    from mnemon.bench.layers import recalling, variants

    chosen = variants.named(only)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    rows, total = list[Row](), seeds * len(chosen) + (len(recalling.TAUGHT) if taught else 0)
    frozen = list[dict[str, Any]]()

    def say() -> None:
        if progress is not None:
            progress(len(rows) + len(frozen), total)

    for one in range(seed, seed + seeds):
        for variant in chosen:
            say()
            rows.append(_row(variant, one, steps, topics, facts))
    for taught_by in recalling.TAUGHT if taught else ():
        say()
        frozen.append(recalling.frozen(taught_by, taught, seed))
    say()
    origin = provenance.Origin({}, provenance.code(), command, provenance.machine(), began, seed)
    return LayersRun(rows, frozen, _context(steps, topics, facts), origin)


def _row(variant: Variant, seed: int, steps: int, topics: int, facts: int) -> Row:
    from mnemon.bench.layers import training
    from mnemon.bench.layers.world import world
    from mnemon.weights.bank import attach, given

    told = world(topics, facts, seed)
    model = training.decoder(told.vocabulary, seed)
    documents = told.documents(np.random.default_rng([seed, 3]), _TREE)
    bank = variant.build(given(model, None, documents.tolist()), seed)
    with nullcontext() if bank is None else attach(model, bank):
        return _measured(variant, seed, steps, told, model, bank)


def _measured(
    variant: Variant, seed: int, steps: int, told: World, model: Any, bank: Any
) -> Row:  # fmt: skip
    import torch

    from mnemon.bench.layers import training
    from mnemon.bench.layers.measuring import operations
    from mnemon.bench.layers.world import PARTS

    began = time.process_time()
    training.train(model, told, bank, steps=steps, seed=seed, rate=variant.rate)
    took = time.process_time() - began
    right, parts = training.answered(model, told).numpy(), told.parts()
    thirds = [float(right[parts == number].mean()) for number in range(len(PARTS))]
    ids = torch.from_numpy(told.documents(np.random.default_rng([seed, 4]), _DECODED))
    return Row(
        variant.name, variant.beside, seed,
        0 if bank is None else sum(one.numel() for one in bank.parameters()),
        operations(model, ids), validation=training.validation(model, told, seed),
        answered=float(right.mean()), head=thirds[0], middle=thirds[1], tail=thirds[2],
        **_moved(model, bank, ids), cpu_seconds=took,
    )  # fmt: skip


def _moved(model: Any, bank: Any, ids: Any) -> dict[str, Any]:
    """What is read once the tables are in host memory."""
    from mnemon.bench.layers.measuring import fetched, touched

    tables = bank is not None and len(bank.tables) > 0
    same, read = fetched(model, bank, ids[:1]) if tables else (None, None)
    few = [touched(model, bank, one[None]) for one in ids[:8]]
    return {
        "bytes_alone": float(np.mean(few)), "bytes_together": touched(model, bank, ids) / len(ids),
        "hit_rate": read and read.hit_rate, "fetched": read and float(read.bytes), "same": same,
    }  # fmt: skip


def _context(steps: int, topics: int, facts: int) -> dict[str, Any]:
    import os

    torch, transformers = (require(name, name, "weights") for name in ("torch", "transformers"))
    return {
        "steps": steps, "topics": topics, "facts": topics * facts, "torch": torch.__version__,
        "transformers": transformers.__version__, "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }  # fmt: skip
