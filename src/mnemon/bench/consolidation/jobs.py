"""What is trained: adapters of all layers, the weights of the upper ones, or all from random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mnemon.bench import bases
from mnemon.bench.bases import Base
from mnemon.bench.recall import filler
from mnemon.bench.weights.asking import judged
from mnemon.bench.weights.facts import Fact, facts
from mnemon.cube import MemCube
from mnemon.weights.adapter import parts, sharing, weights
from mnemon.weights.lesson import Pair, lesson, pairs
from mnemon.weights.optimize import Part
from mnemon.weights.rows import UNASKED, losses, rows
from mnemon.weights.seam import Upper, wearing

JOBS = ("lora", "upper", "scratch")
RANK, SCALE = 4, 2.0
BATCH, LENGTH = 4, 64
ASK = "Q : {question} ? A :"
_ANY = datetime(2026, 1, 1, tzinfo=UTC)


class Reached(NamedTuple):
    """What training reached: nats a token on what was trained and what was held out (facts asked
    in other words; text of the same language), and facts answered exactly, a share."""

    loss: float
    held_out: float
    recall: float | None


@dataclass
class Job:
    """One training to do.

    Attributes:
        model: it and all it wears. parts: what is trained, named once the layers are offloaded.
        layers: the decoder layers that gradients go through.
        loss: of the step that is next. reached: to be called at the end.
        tokens: that a step goes over.
    """

    model: Any
    parts: Callable[[], Sequence[Part]]
    layers: Sequence[Any]
    loss: Callable[[], Tensor]
    reached: Callable[[], Reached]
    tokens: int


@contextmanager
def job(name: str, *, count: int, steps: int, base: Base, seed: int) -> Iterator[Job]:
    """A job of `JOBS`, on `count` facts or `steps` batches; everything is decided by the seed."""
    torch.manual_seed(seed)
    model, tokenizer = bases.load(base)
    if name == "scratch":
        if base.shape is None:
            model = bases.fresh(model.config, model.device, model.dtype)
        yield _scratch(model.train(), base, steps, seed)
        return
    told, _ = facts(count, seed)
    shard = [one for fact in told for one in _pairs(fact, tokenizer)]
    if name == "upper":
        yield _upper(model, told, shard)
        return
    upper = Upper(model, model.config.num_hidden_layers)
    model.requires_grad_(False)
    with wearing(upper.linear, SCALE) as worn:
        own = _fresh(upper, seed)

        def wear() -> None:
            worn.wear(sharing(own))

        trained = parts(own)
        yield _taught(model, upper, told, shard, lambda: trained, wear)


def _pairs(fact: Fact, tokenizer: Any) -> Sequence[Pair]:
    read = lesson(MemCube(
        id="0", version=1, namespace="bench", content=fact.told, kind="fact",
        valid_from=_ANY, recorded_at=_ANY,
    ))  # fmt: skip
    assert read is not None
    return pairs(read, tokenizer, ASK)


def _fresh(upper: Upper, seed: int) -> dict[str, tuple[Tensor, Tensor]]:
    drawn = torch.Generator().manual_seed(seed)
    made = {}
    for name, one in upper.linear.items():
        wide, given = one.weight.shape
        low = (torch.rand(RANK, given, generator=drawn) * 2 - 1) / given**0.5
        device = one.weight.device
        made[name] = (low.to(device), torch.zeros(wide, RANK, device=device))
    return made


def _upper(model: Any, told: Sequence[Fact], shard: Sequence[Pair]) -> Job:
    upper = Upper(model, max(1, model.config.num_hidden_layers // 2))
    for name, one in model.named_parameters():
        one.requires_grad_(name in {part.name for part in weights(model, upper.first)})
    return _taught(model, upper, told, shard, lambda: weights(model, upper.first), lambda: None)


def _taught(
    model: Any, upper: Upper, told: Sequence[Fact], shard: Sequence[Pair],
    trained: Callable[[], Sequence[Part]], ready: Callable[[], None],
) -> Job:  # fmt: skip
    given = rows([shard], model.device)
    hidden, at = upper.below(given.ids), given.wanted != UNASKED

    def loss() -> Tensor:
        ready()
        return losses(upper.logits(hidden, at).float(), given.wanted, at, 1)[0]

    @torch.no_grad()
    def reached() -> Reached:
        found = [judged(model, one.question, one.value) for one in told]
        other = [judged(model, one.paraphrase, one.value).nll for one in told]
        right = float(np.mean([one.exact for one in found]))
        return Reached(float(loss()), float(np.mean(other)), right)

    return Job(model, trained, upper.layers, loss, reached, given.ids.numel())


def _scratch(fresh: Any, base: Base, steps: int, seed: int) -> Job:
    """An architecture from random weights, on the language that the bundled model speaks."""
    batches = _batches(base, steps, seed).to(fresh.device)
    turn, past = iter(range(steps)), list[Tensor]()

    def of(batch: Tensor) -> Tensor:
        logits = fresh(batch, use_cache=False).logits[:, :-1]
        return functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())

    def loss() -> Tensor:
        found = of(batches[next(turn)])
        past.append(found.detach())
        return found

    @torch.no_grad()
    def reached() -> Reached:
        held = float(torch.stack([of(one) for one in batches[steps:]]).mean())
        last = torch.stack(past[-max(1, steps // 10) :])
        return Reached(float(last.mean()), held, None)

    layers, tokens = fresh.get_decoder().layers, batches[0].numel()
    return Job(fresh, lambda: weights(fresh), layers, loss, reached, tokens)


def _batches(base: Base, steps: int, seed: int) -> Tensor:
    """`[steps + 4, B, T]`: one for each step, and four that are held out."""
    shape = base.shape
    batch, length = (BATCH, LENGTH) if shape is None else (shape.batch, shape.length)
    text = filler.stream(np.random.default_rng([seed, steps]), 256, 512).reshape(-1)
    needed = (steps + 4) * batch
    starts = np.random.default_rng(seed).integers(len(text) - length, size=needed)
    cut = np.stack([text[start : start + length] for start in starts]).astype(np.int64)
    return torch.from_numpy(cut).reshape(-1, batch, length)
