"""One variant of one seed: trained, asked, and counted."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mnemon.bench.layers import routing, training
from mnemon.bench.layers.measuring import fetched, operations, touched
from mnemon.bench.layers.world import PARTS, World, world
from mnemon.weights.bank import attach, given

if TYPE_CHECKING:
    from mnemon.bench.layers.variants import Variant

_TREE = 4096  # documents that trees of clusters are made of
_DECODED = 64  # texts that are decoded at once


@dataclass(frozen=True, slots=True)
class Row:
    """One variant of one seed.

    Attributes:
        beside: the memory that it stands beside, and in what it equals that one.
        rate: of training, at most. parameters: beside the decoder's own. operations: a token,
            with the decoder's.
        bytes_alone, bytes_together: of these parameters that a token reads, when one text is
            decoded, and of 64 at once.
        validation: nats a token of unseen documents. answered: facts, closed-book, in all and in
            the thirds `head`, `middle` and `tail`.
        reached: facts told in documents whose blocks are those that its question fetches, a share;
            None if not the text decides. reached_right, missed_right: answered, of the facts that
            are mostly told so, and of the others.
        hit_rate: rows that were there before they were looked up; None without tables.
        fetched: bytes of rows read for a document. same: whether tables in host memory give the
            same logits, bit for bit.
        cpu_seconds: of the training.
    """

    name: str
    beside: str
    seed: int
    rate: float
    parameters: int
    operations: int
    bytes_alone: float
    bytes_together: float
    validation: float
    answered: float
    head: float
    middle: float
    tail: float
    reached: float | None
    reached_right: float | None
    missed_right: float | None
    hit_rate: float | None
    fetched: float | None
    same: bool | None
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A variant, to be trained for so many steps on `topics` topics of `facts` facts each; `rate`
    is that of all but its tables."""

    variant: Variant
    rate: float
    seed: int
    steps: int
    topics: int
    facts: int

    def measured(self) -> Row:
        """Its line."""
        told = world(self.topics, self.facts, self.seed)
        model = training.decoder(told.vocabulary, self.seed)
        documents = told.documents(np.random.default_rng([self.seed, 3]), _TREE)
        bank = self.variant.build(given(model, None, documents.tolist()), self.seed)
        with nullcontext() if bank is None else attach(model, bank):
            return self._trained(told, model, bank)

    def _trained(self, told: World, model: Any, bank: Any) -> Row:
        began = time.process_time()
        rates = (self.rate * self.variant.rate, self.rate)
        training.train(model, told, bank, rates, steps=self.steps, seed=self.seed)
        took = time.process_time() - began
        right, parts = training.answered(model, told).numpy(), told.parts()
        thirds = [float(right[parts == number].mean()) for number in range(len(PARTS))]
        ids = torch.from_numpy(told.documents(np.random.default_rng([self.seed, 4]), _DECODED))
        return Row(
            self.variant.name, self.variant.beside, self.seed, self.rate,
            0 if bank is None else sum(one.numel() for one in bank.parameters()),
            operations(model, ids), validation=training.validation(model, told, self.seed),
            answered=float(right.mean()), head=thirds[0], middle=thirds[1], tail=thirds[2],
            **routing.reached(bank, told, right, self.seed), **_moved(model, bank, ids),
            cpu_seconds=took,
        )  # fmt: skip


def _moved(model: Any, bank: Any, ids: Any) -> dict[str, Any]:
    """What is read once the tables are in host memory."""
    tables = bank is not None and len(bank.tables) > 0
    same, read = fetched(model, bank, ids[:1]) if tables else (None, None)
    few = [touched(model, bank, one[None]) for one in ids[:8]]
    return {
        "bytes_alone": float(np.mean(few)), "bytes_together": touched(model, bank, ids) / len(ids),
        "hit_rate": read and read.hit_rate, "fetched": read and float(read.bytes), "same": same,
    }  # fmt: skip
