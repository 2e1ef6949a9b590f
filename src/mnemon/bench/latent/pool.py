"""Latent pools: how long facts last, what reading does to other text, and what a store brings back.

The model is trained first (`mnemon.bench.pool_training`), then its weights stand still: facts are
read one after another, and asked about when others have been read since.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mnemon.bench.latent import pool_store
from mnemon.bench.latent.pool_stream import (
    AGES,
    Stream,
    answered,
    answered_alone,
    left,
    perplexity,
)  # fmt: skip
from mnemon.bench.latent.section import Row, Setting
from mnemon.bench.pool_training.recipe import LONG, PoolRecipe
from mnemon.bench.pool_training.run import moved, train
from mnemon.methods import load
from mnemon.weights.pool import Pool

RETENTION = "memoryllm: facts answered, by updates since they were read"
UNRELATED = "memoryllm: perplexity of unrelated text, by updates"


@dataclass(frozen=True, slots=True)
class _Size:
    """How much is measured: updates before, updates between which facts are asked about, how often;
    updates in all; updates of the stores, and facts asked of each."""

    filled: int = 80
    measured: int = 360
    apart: int = 6
    updates: tuple[int, ...] = (0, 10, 100, 1000, 2000)
    store: tuple[int, ...] = (200, 1000, 3000)
    asked: int = 300


_BRIEF = _Size(filled=12, measured=8, apart=4, updates=(0, 10), store=(12,), asked=4)
_BRIEF_RECIPE = PoolRecipe(
    num_blocks=4,
    num_ltm_blocks=1,
    steps=2,
    store_steps=1,
    retriever_steps=1,
    written=8,
    most=6,
    asked=8,
    unrelated=1,
)


def rows(setting: Setting) -> Iterator[Row]:
    """Train a copy of the model, then measure both methods with it."""
    recipe, size = LONG if setting.long else PoolRecipe(), _Size()
    if setting.brief:
        recipe, size = _BRIEF_RECIPE, _BRIEF
    recipe = replace(recipe, seed=setting.seed)
    model = moved(copy.deepcopy(setting.model), setting.device)
    told = train(model, recipe)
    model.cpu()  # one question at a time gains nothing from a device
    stages = {
        "steps": recipe.steps, "store steps": recipe.store_steps,
        "retriever steps": recipe.retriever_steps,
    }  # fmt: skip
    yield Row("training", stages, {name: one for name, one in told.items() if name != "steps"})
    yield from measured(setting.model, model, recipe, size, setting.seed)


def measured(
    base: Any, model: Any, recipe: PoolRecipe, size: _Size, seed: int
) -> Iterator[Row]:  # fmt: skip
    """Of a model that was trained by a recipe, and the one that it was."""
    shape = {"num_tokens": recipe.num_tokens, "num_blocks": recipe.num_blocks, "seed": seed}
    plain: Pool = load("weights.pool", "memoryllm", **shape)
    yield from _retention(base, model, plain, recipe, size, seed)
    yield from _unrelated(base, model, plain, size, seed)
    fetched = recipe.num_ltm_blocks
    yield from pool_store.rows(model, shape, fetched, size.store, size.asked, seed)


def _retention(
    base: Any, model: Any, method: Pool, recipe: PoolRecipe, size: _Size, seed: int
) -> Iterator[Row]:  # fmt: skip
    stream = Stream.of(size.filled + size.measured, seed)
    right: dict[int, list[tuple[bool, float]]] = {age: [] for age in AGES if age < size.filled}
    for number, pool in stream.read(model, method):
        if number >= size.filled and number % size.apart == 0:
            for age, found in right.items():
                fact = number - 1 - age
                found.append((answered(model, method, pool, stream, fact), left(pool, fact)))
    for age, found in right.items():
        recall, share = np.array(found, float).mean(0).tolist()
        yield Row(RETENTION, {"updates since": age}, {
            "answered": recall, "latents left": share / recipe.num_tokens,
            "(1 - K/N)^t": (1 - 1 / recipe.num_blocks) ** age, "questions": len(found),
        })  # fmt: skip
    yield from _controls(base, model, method, stream, size)


def _controls(
    base: Any, model: Any, method: Pool, stream: Stream, size: _Size
) -> Iterator[Row]:  # fmt: skip
    """The same questions to models without a pool, and to a base that was not trained for one."""
    asked = range(0, len(stream.drawn.told), max(1, len(stream.drawn.told) // size.asked))
    newest = [
        answered(base, method, pool, stream, number - 1, ends=False)
        for number, pool in stream.read(base, method)
        if number and number - 1 in asked
    ]
    told = {"base with a pool, the newest fact": newest}
    for who, which in (("trained", model), ("base", base)):
        for name, given in (("no memory", False), ("the fact in context", True)):
            told[f"{who}, {name}"] = [
                # The base knows values of two words only, and says another one.
                answered_alone(which, stream, fact, told=given, ends=which is model)
                for fact in asked
            ]
    for name, found in told.items():
        figures = {"answered": float(np.mean(found)), "questions": len(found)}
        yield Row("memoryllm: controls", {"who": name}, figures)


def _unrelated(base: Any, model: Any, method: Pool, size: _Size, seed: int) -> Iterator[Row]:
    alone = perplexity(base, method, method.empty(base), seed)
    yield Row(UNRELATED, {"updates": 0, "model": "base"}, {"perplexity": alone})
    for number, pool in Stream.of(size.updates[-1], seed + 1).read(model, method):
        if number in size.updates:
            found = perplexity(model, method, pool, seed)
            yield Row(UNRELATED, {"updates": number, "model": "trained"}, {"perplexity": found})
