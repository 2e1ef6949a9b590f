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

from mnemon.bench.pool_training.bank import Bank
from mnemon.bench.pool_training.candidates import Candidates
from mnemon.bench.pool_training.facts import unrelated
from mnemon.bench.pool_training.losses import losses, retrieved
from mnemon.bench.pool_training.pools import Pools, older, pools
from mnemon.bench.pool_training.recipe import PoolRecipe
from mnemon.bench.pool_training.storing import stored
from mnemon.bench.recall import Endless
from mnemon.errors import InvalidInput
from mnemon.weights.pool import _cache as caches
from mnemon.weights.pool import _retriever as retrieving

_FILLER = 32


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
        for step in range(whole := run.recipe.whole):
            run.step(step)
            if progress is not None:
                progress(step + 1, whole)
    finally:
        model.eval()
    spent = {
        "steps": whole, "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - worked,
    }  # fmt: skip
    return {**run.means, **spent}


def moved(model: Any, device: str) -> Any:
    """A model on a device.

    Raises:
        InvalidInput: this torch has no such device.
    """
    try:
        return model.to(device)
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was built with CUDA
        reason = str(error).splitlines()[0]
        raise InvalidInput(f"device={device!r} cannot be used here ({reason}): take cpu") from error


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
        retrieving.add(model, recipe.channels, recipe.seed, hidden=recipe.hidden)
        known = {id(one) for one in own}
        added = [one for one in model.parameters() if id(one) not in known]
        self._optimizer = torch.optim.AdamW(
            [{"params": own, "lr": recipe.rate}, {"params": added, "lr": recipe.retriever_rate}],
            betas=(0.9, 0.98), weight_decay=0.0,
        )  # fmt: skip
        self._layers, width = model.config.num_hidden_layers, model.config.hidden_size
        self._bank = Bank(recipe.bank, self._layers, width, model.device)
        self._means: dict[str, Tensor] = {}

    @property
    def means(self) -> dict[str, float]:
        """Of each loss, over some 20 steps up to now."""
        return {name: one.item() for name, one in self._means.items()}

    def step(self, number: int) -> None:
        """One of the first stage, of the last, or of the retriever alone."""
        recipe = self.recipe
        last = number - recipe.steps
        if last < 0:
            self._pooled(number, recipe.rate, recipe.factor(number, recipe.steps))
        elif last < recipe.store_steps:
            step = self._pooled if last % 2 else self._stored
            step(recipe.steps, recipe.store_rate, recipe.factor(last, recipe.store_steps))
        else:
            self._retrieved(recipe.retriever_factor(last - recipe.store_steps))

    def _pooled(self, number: int, rate: float, factor: float) -> None:
        drawn = pools(self._rng, self.recipe, number, self._layers).to(self.model.device)
        new, candidates = self._written(drawn)
        found = losses(self.model, drawn, new, self._unrelated(drawn), candidates)
        whole = found.answers + self.recipe.rest * found.filler + found.retriever
        self._update(whole, factor, rate)
        self._mean(found._asdict())

    def _stored(self, number: int, rate: float, factor: float) -> None:
        recipe = self.recipe
        drawn = older(self._rng, recipe, self._layers).to(self.model.device)
        new, candidates = self._written(drawn)
        filler = self._unrelated(drawn)
        found = stored(
            self.model, drawn, new, filler, candidates, self._rng, recipe.fetched,
            through=recipe.found > 0,
        )  # fmt: skip
        whole = found.answers + recipe.rest * found.filler + (recipe.found or 1.0) * found.retriever
        self._update(whole, factor, rate)
        self._mean({f"store_{name}": one for name, one in found._asdict().items()})

    def _retrieved(self, factor: float) -> None:
        recipe = self.recipe
        drawn = pools(self._rng, recipe, recipe.steps, self._layers).to(self.model.device)
        with torch.no_grad():
            new, candidates = self._written(drawn)
        found = retrieved(self.model, drawn, new, candidates)
        self._update(found, factor, 0.0)
        self._mean({"retriever": found})

    def _written(self, drawn: Pools) -> tuple[list[Tensor], Candidates]:
        """Latents of a step's facts, `[P * F, K, d]` of each layer, and what questions could
        fetch."""
        newest = self._bank.newest(self._rng, len(drawn.told))
        new = caches.written(self.model, newest, drawn.told, self.recipe.num_tokens)
        candidates = Candidates.of(drawn, new, self._bank)
        self._bank.add(self._rng, new, drawn.told)
        return new, candidates

    def _unrelated(self, drawn: Pools) -> Tensor:
        rows = drawn.left.shape[1] * max(1, self.recipe.unrelated // drawn.left.shape[1])
        made = torch.from_numpy(unrelated(self._rng, self._filler, rows, _FILLER))
        return made.to(self.model.device)

    def _update(self, loss: Tensor, factor: float, rate: float) -> None:
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        own, projectors = self._optimizer.param_groups
        own["lr"], projectors["lr"] = rate * factor, self.recipe.retriever_rate * factor
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def _mean(self, found: dict[str, Tensor]) -> None:
        for name, one in found.items():
            value = one.detach()
            self._means[name] = torch.lerp(self._means.get(name, value), value, 0.05)
