"""A run of `mnemon bench weights`: the sections that were asked for, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mnemon.bench import device, provenance
from mnemon.bench.bases import Base
from mnemon.bench.weights import learner, lifecycle
from mnemon.bench.weights.conflict import conflict
from mnemon.bench.weights.edits import edits
from mnemon.bench.weights.plan import NAMESPACE, Bench, Spent, bench, timed
from mnemon.bench.weights.retention import retention
from mnemon.bench.weights.settings import settings
from mnemon.bench.weights.sizes import DEFAULT, SECTIONS, Sizes
from mnemon.errors import InvalidInput, UnknownName
from mnemon.memory import Memory
from mnemon.models.extras import require


@dataclass(frozen=True, slots=True)
class WeightsRun:
    """One run: `figures` by name (shares unless it says otherwise), and where they come from.

    Figures of `lifecycle` stand by themselves, those of another section under its name.
    """

    figures: dict[str, Any]
    context: dict[str, Any]
    origin: provenance.Origin


def run_weights(
    count: int = 200, forgotten: int = 10, *, each: int = 12, swaps: int = 1000,
    sections: Sequence[str] = DEFAULT, sizes: Sizes | None = None, method: str = "lora",
    phrasings: int = 1, base: Base | None = None, seed: int = 0, command: str = "",
    progress: Callable[[int, int], None] | None = None, **options: Any,
) -> WeightsRun:  # fmt: skip
    """Measure a parametric method.

    Args:
        count: facts. forgotten: how many of them, chosen at random, are forgotten afterwards.
        each: general probes of each recall task. swaps: of adapters, to be timed.
        sections: of `SECTIONS`. sizes: of those beside `lifecycle`.
        method: of the slot `weights.write`, with its options.
        phrasings: of each trained question.
        base: which model, and where; by default the bundled one, on the CPU.
        progress: called with (done, in all), in stages.

    Raises:
        InvalidInput: not fewer forgotten than there are, no section, or one that needs a method
            whose updates are known one at a time; or no adapter learnt anything.
        UnknownName: no such section or model. WrongDevice: no such device here.
        MissingExtra: the extra `[weights]` is not installed.
    """
    _check(sections, method, count, forgotten)
    for name in ("torch", "transformers", "safetensors", "peft"):
        require(name, name, "weights")
    began = datetime.now(UTC).isoformat(timespec="seconds")
    base = base or Base("recall-lm")
    made = bench(base, method, options, seed, phrasings)
    stages = _Stages(sections, progress)
    figures, took = dict[str, Any](), dict[str, Spent]()
    if "lifecycle" in sections:
        found, took["lifecycle"] = timed(
            lambda: _lifecycle(made, count, forgotten, each, swaps, stages.say)
        )
        figures |= found
    for name, work in _others(made, sizes or Sizes(), each).items():
        if name in sections:
            figures[name], took[name] = timed(work)
            stages.say()
    origin = provenance.Origin({}, provenance.code(), command, provenance.machine(), began, seed)
    context = _context(base, method, options)
    context |= {"phrasings": phrasings, "cpu_seconds": _cpu(took)}
    return WeightsRun(figures, context, origin)


def _check(sections: Sequence[str], method: str, count: int, forgotten: int) -> None:
    if not sections:
        raise InvalidInput(f"no section was named: take some of {', '.join(SECTIONS)}")
    for one in sections:
        if one not in SECTIONS:
            raise UnknownName(f"no section is called {one!r}: there are {', '.join(SECTIONS)}")
    if "lifecycle" in sections:
        lifecycle.check(count, forgotten)
    if {"edits", "retention"} & set(sections):
        learner.check(method)


class _Stages:
    def __init__(
        self, sections: Sequence[str], progress: Callable[[int, int], None] | None
    ) -> None:
        others = len(set(sections) - {"lifecycle"})
        self._all = others + lifecycle.STAGES * ("lifecycle" in sections)
        self._done, self._progress = -1, progress
        self.say()

    def say(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._all)


def _lifecycle(
    made: Bench, count: int, forgotten: int, each: int, swaps: int, say: Callable[[], None]
) -> dict[str, Any]:
    with (
        TemporaryDirectory(prefix="mnemon-weights-") as folder,
        Memory(Path(folder) / "store.db", namespace=NAMESPACE) as memory,
    ):
        return lifecycle.lifecycle(made, memory, count, forgotten, each=each, swaps=swaps, say=say)


def _others(made: Bench, sizes: Sizes, each: int) -> dict[str, Callable[[], dict[str, Any]]]:
    few = min(each, sizes.probes)
    return {
        "settings": lambda: settings(made, sizes.settings),
        "edits": lambda: edits(made, sizes.facts, sizes.edited, few),
        "retention": lambda: retention(made, sizes.batches, sizes.batch, few),
        "conflict": lambda: conflict(made, sizes.conflicts, few),
    }


def _cpu(took: dict[str, Spent]) -> dict[str, float]:
    return {name: one.cpu for name, one in took.items()}


def _context(base: Base, method: str, options: dict[str, Any]) -> dict[str, Any]:
    torch, peft, transformers = (
        require(name, name, "weights") for name in ("torch", "peft", "transformers")
    )
    return {
        "model": base.model, "dtype": base.kind, "device": base.device,
        "card": device.card(base.device), "method": method, "options": options,
        "torch": torch.__version__,
        "transformers": transformers.__version__, "peft": peft.__version__,
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }  # fmt: skip
