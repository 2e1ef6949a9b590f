"""The training itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mnemon.bench.pool_training.facts import unrelated
from mnemon.bench.pool_training.losses import losses, retrieved
from mnemon.bench.pool_training.pools import pools
from mnemon.bench.pool_training.recipe import PoolRecipe
from mnemon.bench.recall import Endless
from mnemon.weights.pool import _cache as caches
from mnemon.weights.pool import _retriever as retrieving

_FILLER = 32
_BANK = 64


def train(
    model: Any, recipe: PoolRecipe | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:  # fmt: skip
    """Train all weights of a model, in place, and give it a retriever.

    Args:
        progress: called with (done, in all), in steps.

    Returns:
        the means of the losses at the end, `steps`, `seconds` and `cpu_seconds`.
    """
    run = _Run(model, recipe or PoolRecipe())
    began, worked = time.perf_counter(), time.process_time()
    model.train()
    try:
        for step in range(whole := run.recipe.steps + run.recipe.retriever_steps):
            run.step(step) if step < run.recipe.steps else run.retrieve(step - run.recipe.steps)
            if progress is not None:
                progress(step + 1, whole)
    finally:
        model.eval()
    spent = {
        "steps": whole, "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - worked,
    }  # fmt: skip
    return {**run.means, **spent}


def save(model: Any, tokenizer: Any, recipe: PoolRecipe, folder: Path) -> None:
    """Write a folder that `recall_lm.load` and `load_retriever` read, and the recipe."""
    model.save_pretrained(folder, state_dict=retrieving.without_retriever(model))
    tokenizer.save_pretrained(folder)
    retrieving.save_retriever(model, folder)
    told = json.dumps(asdict(recipe), indent=1) + "\n"
    (folder / "pool_recipe.json").write_text(told, encoding="utf-8")


class _Run:
    def __init__(self, model: Any, recipe: PoolRecipe) -> None:
        self.model, self.recipe = model, recipe
        self._rng, filler = (np.random.default_rng([recipe.seed, part]) for part in (1, 2))
        self._filler = Endless(filler)
        own = list(model.parameters())
        retrieving.add(model, recipe.channels, recipe.seed)
        known = {id(one) for one in own}
        added = [one for one in model.parameters() if id(one) not in known]
        self._optimizer = torch.optim.AdamW(
            [{"params": own, "lr": recipe.rate}, {"params": added, "lr": recipe.retriever_rate}],
            betas=(0.9, 0.98), weight_decay=0.0,
        )  # fmt: skip
        # Latents of earlier texts, for the place of the newest ones before a text.
        self._bank: list[Tensor] | None = None
        self.means: dict[str, float] = {}

    def step(self, number: int) -> None:
        recipe = self.recipe
        drawn = pools(self._rng, recipe, number, self.model.config.num_hidden_layers)
        newest = self._newest(len(drawn.told))
        new = caches.written(self.model, newest, drawn.told, recipe.num_tokens)
        self._keep(new)
        rows = drawn.left.shape[1] * max(1, recipe.unrelated // drawn.left.shape[1])
        filler = torch.from_numpy(unrelated(self._rng, self._filler, rows, _FILLER))
        found = losses(self.model, drawn, new, filler)
        (found.answers + recipe.rest * found.filler + found.retriever).backward()  # type: ignore[no-untyped-call]
        self._update(recipe.factor(number), recipe.rate)
        self._mean(found._asdict())

    def retrieve(self, number: int) -> None:
        recipe = self.recipe
        drawn = pools(self._rng, recipe, recipe.steps, self.model.config.num_hidden_layers)
        with torch.no_grad():
            newest = self._newest(len(drawn.told))
            new = caches.written(self.model, newest, drawn.told, recipe.num_tokens)
        self._keep(new)
        found = retrieved(self.model, drawn, new)
        found.backward()  # type: ignore[no-untyped-call]
        self._update(recipe.retriever_factor(number), 0.0)
        self._mean({"retriever": found})

    def _newest(self, count: int) -> list[Tensor]:
        width, layers = self.model.config.hidden_size, self.model.config.num_hidden_layers
        if self._bank is None:
            return [torch.zeros(count, 0, width)] * layers
        at = torch.from_numpy(self._rng.integers(0, len(self._bank[0]), count))
        return [one[at] for one in self._bank]

    def _keep(self, new: list[Tensor]) -> None:
        at = torch.from_numpy(self._rng.permutation(len(new[0]))[:_BANK])
        self._bank = [one.detach()[at] for one in new]

    def _update(self, factor: float, rate: float) -> None:
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        own, projectors = self._optimizer.param_groups
        own["lr"], projectors["lr"] = rate * factor, self.recipe.retriever_rate * factor
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def _mean(self, found: dict[str, Tensor]) -> None:
        for name, one in found.items():
            before = self.means.get(name, one.item())
            self.means[name] = 0.95 * before + 0.05 * one.item()
