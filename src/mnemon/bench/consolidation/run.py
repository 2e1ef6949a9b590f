"""One run: each setting on each job, at equal steps from equal beginnings, over some seeds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mnemon import methods
from mnemon.bench import device, provenance
from mnemon.bench.bases import Base
from mnemon.bench.consolidation.rows import SETTINGS, Setting
from mnemon.bench.consolidation.table import ConsolidationTable, Row, merged, ratios
from mnemon.errors import InvalidInput, MissingExtra, UnknownName
from mnemon.models.extras import require

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.bench.consolidation.meter import Meter
    from mnemon.weights.optimize import Steps

JOBS = ("lora", "upper", "scratch")
_WATCHED = 3
"""Steps at the beginning in which memory is looked at closely; they are not timed."""


class _Spent(NamedTuple):
    wall: float
    cpu: float


def run_consolidation(
    count: int = 16, steps: int = 60, *, jobs: Sequence[str] = JOBS,
    settings: Sequence[str] | None = None, seeds: int = 3, base: Base | None = None, seed: int = 0,
    command: str = "", progress: Callable[[int, int], None] | None = None,
) -> ConsolidationTable:  # fmt: skip
    """Measure optimizers and offloads.

    Args:
        count: facts to train. steps: of every setting. jobs: see `jobs.job`.
        settings: names of rows; all if None. seeds: how many, from `seed` on.
        base: which model, and where; by default the small sibling of the bundled one, on the CPU.
        progress: called with (done, in all), in rows.

    Raises:
        UnknownName: no such job, setting or model. InvalidInput: too few steps to be timed.
        WrongDevice: no such device here. MissingExtra: the extra `[weights]` is not installed.
    """
    if steps <= _WATCHED:
        raise InvalidInput(f"{steps} steps are too few: take {_WATCHED + 1} at least")
    for name in ("torch", "transformers", "safetensors", "peft"):
        require(name, name, "weights")
    base = base or Base()
    base.check()
    chosen = [(one, each) for one in _known(jobs, JOBS) for each in _settings(settings)]
    began, rows = datetime.now(UTC).isoformat(timespec="seconds"), list[Row]()
    if (
        chosen and base.device != "cpu"
    ):  # libraries and kernels are loaded by a row that nobody sees
        _row(jobs[0], _settings(["adamw"])[0], count, _WATCHED + 1, base, [seed])
    for job, setting in chosen:
        rows.append(_row(job, setting, count, steps, base, range(seed, seed + seeds)))
        if progress is not None:
            progress(len(rows), len(chosen))
    origin = provenance.Origin({}, provenance.code(), command, provenance.machine(), began, seed)
    context = _context(count, steps, seeds, base)
    return ConsolidationTable(**ratios(rows), rows=tuple(rows), context=context, origin=origin)


def _row(
    job: str, setting: Setting, count: int, steps: int, base: Base, seeds: Sequence[int]
) -> Row:  # fmt: skip
    torch = require("torch", "torch", "weights")
    options = setting.chosen(job, seeds[0], base.shape)
    told = Row(job, setting.name, setting.method, setting.offload, options)
    found = []
    for seed in seeds:
        device.clear(base.device)
        try:
            found.append(_trained(job, setting, count, steps, base, seed))
        except (MissingExtra, InvalidInput) as error:
            return replace(told, refused=str(error))
        except torch.OutOfMemoryError as error:
            return replace(told, refused=f"out of memory: {str(error).partition('. ')[0]}")
    return merged(told, found)


def _trained(
    name: str, setting: Setting, count: int, steps: int, base: Base, seed: int
) -> dict[str, Any]:  # fmt: skip
    from mnemon.bench.consolidation import jobs
    from mnemon.bench.consolidation.meter import Meter, resident, resident_now

    options = setting.chosen(name, seed, base.shape)
    optimizer = methods.load("weights.optimize", setting.method, **options)
    before = None if base.device == "cpu" else (device.beside(base.device), resident_now())
    with jobs.job(name, count=count, steps=steps, base=base, seed=seed) as job:
        offload: Any = nullcontext()
        if setting.offload is not None:
            offload = methods.load("weights.offload", setting.offload).during(job.layers)
        with offload:
            with resident() as most, device.peaks(base.device) as peaks:
                parts = job.parts()
                meter, stepping = Meter(job.model, parts, base.device), optimizer.over(parts)
                first, *spent = _steps(meter, stepping, job.loss, steps)
                stepping.close()
            reached = job.reached()
    timed = spent[_WATCHED - 1 :]
    return {
        "weights": meter.weights, "gradients": meter.gradients, "state": meter.state,
        "activations": meter.activations, "live": meter.live, "resident": most(),
        **_on_card(peaks(), meter, before, most()), "tokens": job.tokens,
        "first_seconds": first.wall,
        "step_seconds": float(np.median([one.wall for one in timed])),
        "step_cpu_seconds": float(np.mean([one.cpu for one in timed])), **reached._asdict(),
    }  # fmt: skip


def _on_card(
    peaks: device.Peaks | None,
    meter: Meter,
    before: tuple[int, int | None] | None,
    most: int | None,
) -> dict[str, int | None]:
    if peaks is None or before is None:
        return dict.fromkeys(("allocated", "reserved", "beside", "host"))
    beside, resident = before
    return {
        "allocated": peaks.allocated, "reserved": peaks.reserved, "beside": meter.beside - beside,
        "host": None if most is None or resident is None else max(0, most - resident),
    }  # fmt: skip


def _steps(
    meter: Meter, stepping: Steps, loss: Callable[[], Tensor], steps: int
) -> list[_Spent]:  # fmt: skip
    """Of each step: what it took. The first `_WATCHED` are watched."""

    def taken(step: int) -> _Spent:
        device.synchronize(meter.device)
        wall, cpu = time.perf_counter(), time.process_time()
        stepping.step(counted, 1 - step / steps)
        device.synchronize(meter.device)
        spent = _Spent(time.perf_counter() - wall, time.process_time() - cpu)
        meter.stepped(stepping)
        return spent

    counted = meter.loss(loss)
    with meter.watching():
        spent = [taken(step) for step in range(_WATCHED)]
    return spent + [taken(step) for step in range(_WATCHED, steps)]


def _settings(named: Sequence[str] | None) -> list[Setting]:
    by = {one.name: one for one in SETTINGS}
    return [by[one] for one in _known(list(by) if named is None else named, list(by))]


def _known(named: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    for one in named:
        if one not in known:
            raise UnknownName(f"the bench has no {one!r}: {methods.nearest(one, list(known))}")
    return named


def _context(count: int, steps: int, seeds: int, base: Base) -> dict[str, Any]:
    torch, transformers = (require(name, name, "weights") for name in ("torch", "transformers"))
    return {
        "model": base.model, "dtype": base.kind, "device": base.device,
        "card": device.card(base.device), "facts": count, "steps": steps, "seeds": seeds,
        "torch": torch.__version__, "transformers": transformers.__version__,
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }  # fmt: skip
