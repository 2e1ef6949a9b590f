"""One run: as many steps as the time holds, a log, a model folder that is whole at any moment."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnemon.bench.recall_lm_training import evaluation, export, schedule
from mnemon.bench.recall_lm_training.model import Llama, Rotary
from mnemon.bench.recall_lm_training.muon import Muon
from mnemon.bench.recall_lm_training.recipe import Recipe
from mnemon.bench.recall_lm_training.workers import Batches, loader

Tell = Callable[[Mapping[str, Any]], None]

_COMPILING = 3  # steps before the clock starts
_EVERY = 0.12  # of the time: a checkpoint and a look at held-out samples
_NOTE = 0.03  # of the time: a line with the losses


def train(
    recipe: Recipe, folder: Path, *, device: str, workers: int, held_out: int = 16,
    start: Path | None = None, tell: Tell | None = None,
) -> None:  # fmt: skip
    """Train by a recipe and write weights, config, tokenizer and train_log.jsonl into a folder.

    Args:
        device: "cuda" or "cpu".
        workers: processes that make samples; a GPU of today needs 14.
        held_out: how many samples of each task and length are looked at on the way.
        start: a model folder of the same shape to go on from, instead of from nothing.
        tell: called with every line of the log.

    Raises:
        InvalidInput: the model to go on from has another shape.
    """
    folder.mkdir(parents=True, exist_ok=True)
    export.config(recipe.shape, folder)
    export.tokenizer(recipe.shape, folder)
    with (folder / "train_log.jsonl").open("w", encoding="utf-8") as log:

        def note(**told: Any) -> None:
            log.write(json.dumps(told) + "\n")
            log.flush()
            if tell is not None:
                tell(told)

        looks = recipe.looks if held_out else ()
        held = {length: evaluation.held_out(length, held_out) for length in looks}
        run = _Run(recipe, device, workers, start)
        note(event="start", recipe=asdict(recipe), **run.facts())
        for step, seconds in run.steps():
            if run.due("note", _NOTE, seconds):
                note(event="step", step=step, s=round(seconds, 1), **run.losses())
            if run.due("look", _EVERY, seconds):
                export.weights(run.model, folder)
                _look(run, held, note, step, seconds)
        export.weights(run.model, folder)
        _look(run, held, note, run.step, recipe.seconds)
        note(event="done", step=run.step, mtok=run.mtok())


def _look(
    run: _Run, held: Mapping[int, Any], note: Callable[..., None], step: int, seconds: float
) -> None:
    for length, samples in held.items():
        exact = evaluation.accuracy(run.model, samples)
        note(event="held-out", step=step, s=round(seconds, 1), length=length, exact=exact)


class _Run:
    """The state of a run: model, optimisers, batches, clock."""

    def __init__(self, recipe: Recipe, device: str, workers: int, start: Path | None) -> None:
        torch.manual_seed(recipe.seed)
        torch.set_float32_matmul_precision("high")
        self.recipe, self.device, self.step = recipe, device, 0
        self.model = Llama(recipe.shape, compiled=device == "cuda").to(device)
        if start is not None:
            export.read_weights(self.model, start)
        matrices, others = _parted(self.model)
        self._muon, self._others = Muon(matrices, recipe.weight_decay), others
        self._adam = torch.optim.AdamW(
            others, recipe.adam_rate, (0.9, 0.98), weight_decay=0.0, fused=device == "cuda"
        )
        self._batches = Batches(recipe)
        self._coming = loader(self._batches, workers, pinned=device == "cuda")
        self._rotary: dict[tuple[int, int], Rotary] = {}
        self._means = torch.zeros(2, device=device)
        self._last: dict[str, float] = {}
        self._tokens = 0

    def steps(self) -> Iterator[tuple[int, float]]:
        """Train until the time is over; after each step its number and the seconds passed."""
        for _ in range(_COMPILING):
            self._train(0.0)
        began, self._tokens = self._now(), 0
        while (seconds := time.monotonic() - began) < self.recipe.seconds:
            self._train(seconds / self.recipe.seconds)
            yield self.step, seconds

    def due(self, what: str, share: float, seconds: float) -> bool:
        """Whether a share of the time has passed since the last time it was due."""
        if seconds - self._last.get(what, 0.0) < share * self.recipe.seconds:
            return False
        self._last[what] = seconds
        return True

    def losses(self) -> dict[str, float]:
        """Running means: on answers, on the rest; and how many million tokens were seen."""
        answer, rest = (self._means / (1 - 0.95**self.step)).tolist()
        return {"answers": round(answer, 4), "rest": round(rest, 4), "mtok": self.mtok()}

    def mtok(self) -> float:
        """Million tokens trained on."""
        return round(self._tokens / 1e6, 1)

    def facts(self) -> dict[str, Any]:
        """What the run is on."""
        count = sum(one.numel() for one in self.model.parameters())
        name = torch.cuda.get_device_name() if self.device == "cuda" else "cpu"
        return {"parameters": count, "device": name, "torch": torch.__version__}

    def _train(self, passed: float) -> None:
        recipe = self.recipe
        self._batches.phase.value = schedule.phase(recipe.phases, passed)
        tokens, answers = (one.to(self.device, non_blocking=True) for one in next(self._coming))
        tokens = tokens.long()
        hidden = self.model.hidden(tokens, self._rotary_of(tokens))
        of_answers, of_rest = self.model.losses(hidden, tokens, answers)
        (of_answers + recipe.rest * of_rest).backward()  # type: ignore[no-untyped-call]
        self._update(schedule.factor(self.step, passed, recipe.warmup, recipe.decay))
        self._means.lerp_(torch.stack([of_answers, of_rest]).detach(), 0.05)
        self.step += 1
        self._tokens += tokens.numel()

    def _update(self, factor: float) -> None:
        self._muon.step(self.recipe.rate * factor, schedule.momentum(self.step))
        torch.nn.utils.clip_grad_norm_(self._others, 1.0)
        for group in self._adam.param_groups:
            group["lr"] = self.recipe.adam_rate * factor
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def _rotary_of(self, tokens: Tensor) -> Rotary:
        batch, length = tokens.shape
        if (batch, length) not in self._rotary:
            self._rotary[batch, length] = self.model.rotary(batch, length)
        return self._rotary[batch, length]

    def _now(self) -> float:
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.monotonic()


def _parted(model: Llama) -> tuple[list[Tensor], list[Tensor]]:
    """Matrices inside layers, and the rest: the embedding and the norms."""
    named = list(model.named_parameters())
    matrices: list[Tensor] = [one for name, one in named if one.ndim == 2 and "embed" not in name]
    others: list[Tensor] = [one for name, one in named if one.ndim != 2 or "embed" in name]
    return matrices, others
