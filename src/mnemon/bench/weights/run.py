"""Facts are told to a memory, trained into the bundled model, asked without context, forgotten.

The three settings of parametric memory stand side by side: the base alone, weights alone, context.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mnemon.bench import provenance
from mnemon.bench.weights import swapping
from mnemon.bench.weights.asking import judged, probes
from mnemon.bench.weights.facts import Fact, facts
from mnemon.cube import Draft
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.models import recall_lm
from mnemon.models.extras import require
from mnemon.weights import Consolidated, Reader, consolidate

NAMESPACE = "bench"
LENGTH = 256
SOME = 50
"""Facts that are also asked in other words, and against a context."""
MOST = 8
"""Tokens of an answer; facts have four at most, and one that goes on is wrong."""


@dataclass(frozen=True, slots=True)
class WeightsRun:
    """One run: `figures` by name (shares unless it says otherwise), and where they come from."""

    figures: dict[str, Any]
    context: dict[str, Any]
    origin: provenance.Origin


@dataclass(frozen=True, slots=True)
class _Spent:
    wall: float
    cpu: float


def run_weights(
    count: int = 200, forgotten: int = 10, *, each: int = 12, swaps: int = 1000,
    method: str = "lora", nano: bool = False, seed: int = 0, command: str = "",
    progress: Callable[[int, int], None] | None = None, **options: Any,
) -> WeightsRun:  # fmt: skip
    """Measure a parametric method.

    Args:
        count: facts. forgotten: how many of them, chosen at random, are forgotten afterwards.
        each: general probes of each recall task. swaps: of adapters, to be timed.
        method: of the slot `weights.write`, with its options.
        nano: the small sibling of the bundled model, for smoke tests.
        progress: called with (done, in all), in stages: trained, asked, forgotten.

    Raises:
        InvalidInput: not fewer forgotten than there are.
        MissingExtra: the extra `[weights]` is not installed.
    """
    if not 0 < forgotten < count:
        raise InvalidInput(f"{forgotten} of {count} facts cannot be forgotten: take 1 to count - 1")
    for name in ("torch", "transformers", "safetensors", "peft"):
        require(name, name, "weights")
    began = datetime.now(UTC).isoformat(timespec="seconds")
    run = _Run(count, forgotten, each, swaps, method, options, seed, nano, progress)
    with (
        TemporaryDirectory(prefix="mnemon-weights-") as folder,
        Memory(Path(folder) / "store.db", namespace=NAMESPACE) as memory,
    ):
        figures = run.measured(memory)
    origin = provenance.Origin({}, provenance.code(), command, provenance.machine(), began, seed)
    return WeightsRun(figures, _context("nano" if nano else "recall-lm", method, options), origin)


class _Run:
    def __init__(
        self, count: int, forgotten: int, each: int, swaps: int, method: str,
        options: dict[str, Any], seed: int, nano: bool, progress: Callable[[int, int], None] | None,
    ) -> None:  # fmt: skip
        self.facts, self.strangers = facts(count, seed)
        self.model, self.tokenizer = recall_lm.load(nano=nano)
        self.each, self.swaps, self.seed = each, swaps, seed
        self.method, self.options = method, options
        self.doomed = [self.facts[i] for i in self._drawn(1, forgotten)]
        gone = {one.subject for one in self.doomed}
        self.staying = [one for one in self.facts if one.subject not in gone]
        self._progress = progress

    def _drawn(self, what: int, count: int) -> list[int]:
        rng = np.random.default_rng([self.seed, what])
        drawn: list[int] = rng.choice(len(self.facts), count, replace=False).tolist()
        return sorted(drawn)

    def measured(self, memory: Memory) -> dict[str, Any]:
        self._say(0)
        ids = _told(memory, self.facts)
        made, spent = self._timed(lambda: self._consolidated(memory))
        self._say(1)
        figures = {**_base(self.model, self.facts), **_trained(made, len(self.facts), spent)}
        with Reader(memory, self.model, self.tokenizer) as reader:
            figures |= self._known(reader) | swapping.swaps(reader, self.swaps)
        self._say(2)
        doomed = [ids[one.subject] for one in self.doomed]
        again, less = self._timed(lambda: self._forgotten(memory, doomed))
        with Reader(memory, self.model, self.tokenizer) as reader:
            figures |= self._left(reader, again, memory)
        self._say(3)
        return figures | {
            "retrained_facts": sum(len(one.sources) for one in again.trained),
            "forget_seconds": less.wall, "forget_cpu_seconds": less.cpu,
            "forget_time_ratio": less.cpu / spent.cpu,
            "forget_wall_ratio": less.wall / spent.wall,
        }  # fmt: skip

    def _known(self, reader: Reader) -> dict[str, Any]:
        told = [self.facts[i] for i in self._drawn(2, min(len(self.facts), SOME))]
        found = probes(self.model, reader, self.each, LENGTH, self.seed)
        return {
            "recall": _recall(reader, self.facts),
            "recall_paraphrase": _share(
                reader.answer(one.paraphrase, most=MOST).text == one.value for one in told
            ),
            "general_base": found.base, "general": found.gated,
            "general_delta": found.gated - found.base,
            "general_delta_ungated": found.ungated - found.base,
            "general_probes": found.asked, "general_probes_routed": found.routed,
            **self._wrong_document(reader), **_conflict(self.model, reader, told),
            "forgotten_nll_before": self._nll(reader, None),
        }  # fmt: skip

    def _wrong_document(self, reader: Reader) -> dict[str, float]:
        """Strangers' questions: how often the answer is a stored value, with the gate, without."""
        stored, keys = {one.value for one in self.facts}, sorted(reader.keys)
        gated = [reader.answer(one.question, most=MOST).text in stored for one in self.strangers]
        ungated = [
            reader.answer(one.question, adapter=keys[number % len(keys)], most=MOST).text in stored
            for number, one in enumerate(self.strangers)
        ]
        return {
            "wrong_document": _share(gated),
            "wrong_document_ungated": _share(ungated),
        }

    def _left(self, reader: Reader, again: Consolidated, memory: Memory) -> dict[str, Any]:
        keys = [one.key for one in again.trained]
        answered = {
            one.subject: [reader.answer(one.question, adapter=key, most=MOST).text for key in keys]
            for one in self.doomed
        }
        return {
            "forgotten_recall": _recall(reader, self.doomed),
            "forgotten_recall_ungated": _share(
                one.value in answered[one.subject] for one in self.doomed
            ),
            "kept_recall": _recall(reader, self.staying),
            "retrained_shards": len(keys),
            "forgotten_nll_after": self._nll(reader, None),
            **self._never_saw(reader, again, memory),
        }

    def _never_saw(self, reader: Reader, again: Consolidated, memory: Memory) -> dict[str, Any]:
        """The shards that were trained again, beside those of a memory that never had the facts."""
        subjects = {one for made in again.trained for one in made.header["subjects"]}
        if not subjects:
            return {}
        ours = [one for one in self.staying if reader.digest(one.subject) in subjects]
        ungated = self._nll(reader, again.trained[0].key)
        reader.close()
        with Memory(":memory:", namespace=NAMESPACE) as other:
            _told(other, ours)
            control = self._consolidated(other)
            with Reader(other, self.model, self.tokenizer) as innocent:
                never = self._nll(innocent, control.trained[0].key)
            bytes_of = [
                {one.header["subjects"][0]: of.artifacts.open(one.key).payload for one in made}
                for of, made in ((memory, again.trained), (other, control.trained))
            ]
        same = _share(bytes_of[0][one] == bytes_of[1].get(one) for one in bytes_of[0])
        return {
            "forgotten_nll_ungated": ungated, "forgotten_nll_never_saw": never,
            "retrained_same_as_never_saw": same,
        }  # fmt: skip

    def _nll(self, reader: Reader, key: str | None) -> float:
        """Mean nats a token of what is (to be) forgotten; by the gate if no adapter is named."""
        found = []
        for one in self.doomed:
            reader.swap(key or reader.route(one.question)[0])
            found.append(judged(self.model, one.question, one.value).nll)
        reader.swap(None)
        return float(np.mean(found))

    def _consolidated(self, memory: Memory) -> Consolidated:
        return consolidate(memory, self.model, self.tokenizer, method=self.method, **self.options)

    def _forgotten(self, memory: Memory, ids: Sequence[str]) -> Consolidated:
        memory.forget(ids, purge=True)
        return self._consolidated(memory)

    def _timed(self, work: Callable[[], Consolidated]) -> tuple[Consolidated, _Spent]:
        wall, cpu = time.perf_counter(), time.process_time()
        done = work()
        return done, _Spent(time.perf_counter() - wall, time.process_time() - cpu)

    def _say(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, 3)


def _told(memory: Memory, told: Sequence[Fact]) -> dict[str, str]:
    cubes = memory.add([Draft(one.told, kind="fact") for one in told])
    return {one.subject: cube.id for one, cube in zip(told, cubes, strict=True)}


def _base(model: Any, told: Sequence[Fact]) -> dict[str, float]:
    found = [judged(model, one.question, one.value) for one in told]
    context = [judged(model, one.question, one.value, one.told).exact for one in told]
    return {
        "chance": _share(one.exact for one in found),
        "base_nll": float(np.mean([one.nll for one in found])),
        "recall_in_context": _share(context),
    }


def _trained(made: Consolidated, count: int, spent: _Spent) -> dict[str, Any]:
    size = sum(one.size for one in made.trained)
    steps = [one.header["figures"]["steps"] for one in made.trained]
    return {
        "facts": count, "shards": len(made.trained), "unlearnt": len(made.unlearnt),
        "train_seconds": spent.wall, "train_cpu_seconds": spent.cpu,
        "steps_mean": float(np.mean(steps)),
        "adapter_bytes": size, "adapter_bytes_per_fact": size / count,
    }  # fmt: skip


def _conflict(model: Any, reader: Reader, told: Sequence[Fact]) -> dict[str, float]:
    """A context says otherwise: what is answered with the gate, and if weights are worn anyway."""
    gated = [reader.answer(one.question, one.other, most=MOST).text for one in told]
    forced = [
        reader.answer(
            one.question, one.other, adapter=reader.route(one.question)[0], most=MOST
        ).text
        for one in told
    ]
    values = [(one.instead, one.value) for one in told]
    return {
        "conflict_context_wins": _share(a == v[0] for a, v in zip(gated, values, strict=True)),
        "conflict_ungated_context": _share(a == v[0] for a, v in zip(forced, values, strict=True)),
        "conflict_ungated_weights": _share(a == v[1] for a, v in zip(forced, values, strict=True)),
    }


def _recall(reader: Reader, told: Sequence[Fact]) -> float:
    return _share(reader.answer(one.question, most=MOST).text == one.value for one in told)


def _share(right: Any) -> float:
    return float(np.mean([bool(one) for one in right]))


def _context(model: str, method: str, options: dict[str, Any]) -> dict[str, Any]:
    torch, peft, transformers = (
        require(name, name, "weights") for name in ("torch", "peft", "transformers")
    )
    return {
        "model": model, "method": method, "options": options, "torch": torch.__version__,
        "transformers": transformers.__version__, "peft": peft.__version__,
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }  # fmt: skip
