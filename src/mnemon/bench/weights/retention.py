"""The section `retention`: recognition and recall after each exposure, and what stays of it.

A batch of facts is trained an update at a time; an update shows each fact once. Then other batches
follow: in the same adapter, where they may overwrite the first; and as Mnemon shards them, where
they cannot. The accuracy on earlier batches at each update is the stability gap.

Orhan 2023, https://arxiv.org/abs/2303.17557; De Lange et al. 2023,
https://arxiv.org/abs/2205.13452. HOW OURS DIFFERS: exposing.py and stability.py say it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mnemon.bench.recall import TASKS, sample
from mnemon.bench.weights.asking import judged
from mnemon.bench.weights.exposing import FOILS, RECALLS, asked, marks
from mnemon.bench.weights.facts import Fact, facts
from mnemon.bench.weights.learner import Learner
from mnemon.bench.weights.plan import NAMESPACE, Bench, share, tell
from mnemon.bench.weights.stability import stability
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.weights import Reader
from mnemon.weights.lesson import Pair

REACHED = 0.95
_LENGTH = 256
_CLOSELY, _EVERY = 8, 4  # updates on other facts: each of the first ones is looked at, then fewer
Marks = dict[str, float]


def retention(bench: Bench, batches: int, each: int, probes: int) -> dict[str, Any]:
    """The curves.

    Args:
        batches: how many, trained one after the other. each: facts of a batch.
        probes: of each general task, for what one adapter breaks.

    Raises:
        InvalidInput: fewer than two batches of two facts.
    """
    if batches < 2 or each < 2:
        raise InvalidInput(f"{batches} batches of {each} facts show no retention: take 2 of 2")
    told, strangers = facts(batches * each, bench.seed)
    parts = [told[start : start + each] for start in range(0, len(told), each)]
    with Learner(bench) as learner:
        one = _one_adapter(bench, learner, parts, strangers, probes)
    return {
        "batches": batches, "batch_facts": each,
        "one_adapter": one | _reached(one["exposures"]),
        "sharded": _sharded(bench, parts, strangers),
    }  # fmt: skip


def _one_adapter(
    bench: Bench, learner: Learner, parts: Sequence[Sequence[Fact]], strangers: Sequence[Fact],
    probes: int,
) -> dict[str, Any]:  # fmt: skip
    rng = np.random.default_rng([bench.seed, 3])
    first = learner.rows([[p for one in parts[0] for p in asked(one, strangers, rng)]])
    cues = learner.rows([[asked(one, strangers, rng)[0] for part in parts for one in part]])
    general = learner.rows([_general(probes, bench.seed)])
    curve, seen = list[list[float]](), [marks(learner.judged(first))]
    before, ends, updates = learner.judged(general), list[int](), list[int]()
    kept = list[Marks]()

    def note() -> None:
        right = [one.exact for one in learner.judged(cues)]
        curve.append(np.reshape(right, (len(parts), -1)).mean(1).tolist())
        since = len(curve) - 1 - ends[0] if ends else 0
        if not ends:
            seen.append(marks(learner.judged(first)))
        elif since <= _CLOSELY or since % _EVERY == 0:
            kept.append({"updates": since, **marks(learner.judged(first))})

    for part in parts:
        lessons = learner.rows([[p for pairs in bench.pairs(part) for p in pairs]])
        updates.append(learner.learn(lessons, note))
        if not updates[-1]:
            note()
        ends.append(len(curve) - 1)
    after = learner.judged(general)
    return {
        "exposures": seen, "retention": [{"updates": 0, **seen[-1]}, *kept], "updates": updates,
        "curve": curve, "ends": ends, **stability(curve, ends)._asdict(),
        "general_base": share(one.exact for one in before),
        "general": share(one.exact for one in after),
        "general_nll_base": float(np.mean([one.nll for one in before])),
        "general_nll": float(np.mean([one.nll for one in after])),
    }  # fmt: skip


def _general(probes: int, seed: int) -> list[Pair]:
    made = [sample(task, _LENGTH, seed + number) for task in TASKS for number in range(probes)]
    return [Pair(one.prompt(), one.answer) for one in made]


def _sharded(
    bench: Bench, parts: Sequence[Sequence[Fact]], strangers: Sequence[Fact]
) -> dict[str, Any]:  # fmt: skip
    exposures = _side_by_side(bench, parts[0], strangers)
    return {
        "exposures": exposures, **_reached(exposures), "retention": list(_kept(bench, parts)),
    }  # fmt: skip


def _side_by_side(bench: Bench, told: Sequence[Fact], strangers: Sequence[Fact]) -> list[Marks]:
    """The first batch in shards of as many subjects as the method gives them."""
    rng = np.random.default_rng([bench.seed, 4])
    size = min(len(told), bench.subjects)
    shards = [told[at : at + size] for at in range(0, len(told) - size + 1, size)]
    with Learner(bench, len(shards)) as learner:
        tests = learner.rows([
            [p for one in shard for p in asked(one, strangers, rng)] for shard in shards
        ])  # fmt: skip
        lessons = learner.rows([
            [p for pairs in bench.pairs(shard) for p in pairs] for shard in shards
        ])  # fmt: skip
        seen = [marks(learner.judged(tests))]
        learner.learn(lessons, lambda: seen.append(marks(learner.judged(tests))))
    return seen


def _kept(bench: Bench, parts: Sequence[Sequence[Fact]]) -> list[dict[str, Any]]:
    """The first batch after each further one that is consolidated, through the gate."""
    found = list[dict[str, Any]]()
    with Memory(":memory:", namespace=NAMESPACE) as memory:
        for part in parts:
            tell(memory, part)
            done = bench.consolidated(memory)
            with Reader(memory, bench.model, bench.tokenizer) as reader:
                told = []
                for one in parts[0]:
                    reader.swap(reader.route(one.question)[0])
                    told.append(judged(bench.model, one.question, one.value))
            found.append({
                "trained": len(done.trained), "kept": len(done.kept),
                "recall": share(one.exact for one in told),
                "nll": float(np.mean([one.nll for one in told])),
            })  # fmt: skip
    return found


def _reached(exposures: Sequence[Marks]) -> dict[str, int | None]:
    """After how many exposures each mark is `REACHED` for the first time; None: never."""
    names = (*RECALLS, *(f"recognition_{name}" for name in FOILS))
    return {
        f"exposures_to_{name}": next(
            (k for k, one in enumerate(exposures) if one[name] >= REACHED), None
        )
        for name in names
    }
