"""Facts trained into a memory on the bundled model's small sibling, which stays as it is; and what
that does to the model's own recall tasks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from mnemon.bench.layers.variants import Variant
from mnemon.bench.recall import BOS, EOS, TASKS, ids, sample
from mnemon.bench.recall_lm import answered
from mnemon.bench.weights.asking import judged
from mnemon.bench.weights.facts import Fact, facts
from mnemon.models import recall_lm
from mnemon.weights.bank import attach, given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

TAUGHT = (
    Variant("engram", "engram", {
        "engram_vocab_size": 1024, "n_embed_per_ngram": 64,
    }, rate=5.0),
    Variant("hierarchical-memories", "hierarchical-memories", {"levels": 2, "neurons": (8, 8)}),
    Variant("ultramem-v2", "ultramem-v2", {
        "knum": 24, "knn": 8, "vdim": 32, "pre_vdim": 32,
    }, rate=5.0),
    Variant("generic memory", "dense", {"layers": (0, 1, 2, 3), "neurons": 16}),
)  # fmt: skip
STEPS, RATE = 80, 1e-2
_LENGTH, _EACH, _REPLAYED = 128, 2, 4
_HELD_OUT = 1000  # first seed of the samples that are asked


def frozen(variant: Variant, count: int, seed: int) -> dict[str, Any]:
    """Train `count` facts into a bank on the frozen model, and ask: shares of the facts answered
    without context, by the base and with the bank; of strangers' questions answered with a stored
    value; and of the model's own tasks, before and with the bank."""
    told, strangers = facts(count, seed)
    model, tokenizer = recall_lm.load(nano=True)
    model.requires_grad_(False)
    samples = [sample(task, _LENGTH, _HELD_OUT + n) for task in _tasks() for n in range(_EACH)]
    before, chance = _share(answered(model, samples)), _known(model, told)
    lessons = [list(_lesson(one)) for one in told]
    bank: Any = variant.build(given(model, tokenizer, lessons), seed)
    with attach(model, bank):
        began = time.process_time()
        _trained(model, bank, lessons, variant.rate, seed)
        took = time.process_time() - began
        stored = {one.value for one in told}
        return {
            "name": variant.name, "facts": count, "chance": chance, "recall": _known(model, told),
            "strangers": _share(
                any(judged(model, one.question, value).exact for value in stored)
                for one in strangers[:10]
            ),
            "tasks_before": before, "tasks": _share(answered(model, samples)),
            "parameters": sum(one.numel() for one in bank.parameters()), "cpu_seconds": took,
        }  # fmt: skip


def _trained(model: Any, bank: Any, lessons: Sequence[list[int]], rate: float, seed: int) -> None:
    tables = list(bank.tables.parameters())
    rest = [one for name, one in bank.named_parameters() if not name.startswith("tables.")]
    groups = [{"params": rest, "lr": RATE}, {"params": tables, "lr": RATE * rate}]
    optimizer = torch.optim.Adam([one for one in groups if one["params"]], fused=True)
    rng, given_rates = np.random.default_rng([seed, 5]), [g["lr"] for g in optimizer.param_groups]
    asked = _padded([(one, len(one) - 1) for one in lessons])
    for step in range(STEPS):
        for group, most in zip(optimizer.param_groups, given_rates, strict=True):
            group["lr"] = most * (1 - step / STEPS)
        replayed = [
            sample(_tasks()[rng.integers(len(_tasks()))], _LENGTH, int(rng.integers(_HELD_OUT)))
            for _ in range(_REPLAYED)
        ]
        own = _padded([(list(one.prompt() + one.answer), len(one.answer)) for one in replayed])
        loss: Any = _loss(model, *asked) + _loss(model, *own)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _loss(model: Any, tokens: Tensor, wanted: Tensor) -> Tensor:
    hidden = model.get_decoder()(tokens, use_cache=False).last_hidden_state
    at = wanted >= 0
    return functional.cross_entropy(model.get_output_embeddings()(hidden[at]), wanted[at])


def _padded(texts: Sequence[tuple[list[int], int]]) -> tuple[Tensor, Tensor]:
    """Ids `[N, T]` padded at the end, and what each place is to give: the last so many, or -1."""
    width = max(len(one) for one, _ in texts)
    tokens = torch.zeros(len(texts), width, dtype=torch.long)
    wanted = torch.full_like(tokens, -1)
    for row, (one, last) in enumerate(texts):
        tokens[row, : len(one)] = torch.tensor(one)
        wanted[row, len(one) - last - 1 : len(one) - 1] = tokens[row, len(one) - last : len(one)]
    return tokens, wanted


def _lesson(one: Fact) -> tuple[int, ...]:
    return (BOS, *ids(f"{one.question} {one.value}"), EOS)


def _known(model: Any, told: Sequence[Fact]) -> float:
    return _share(judged(model, one.question, one.value).exact for one in told)


def _tasks() -> tuple[str, ...]:
    return tuple(one for one in TASKS if one not in ("cwe", "vt"))


def _share(right: Any) -> float:
    return float(np.mean([bool(one) for one in right]))
