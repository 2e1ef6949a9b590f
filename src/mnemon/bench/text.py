"""`mnemon bench text`: which systems find the turns that hold a question's answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mnemon.bench import inputs, metrics, provenance, report
from mnemon.bench.measure import Progress, measure
from mnemon.bench.recipes import Recipe
from mnemon.bench.record import Record
from mnemon.bench.tasks.sample import BUNDLED


def run(
    data: Path | None = None,
    out: Path | None = None,
    systems: Sequence[str | Recipe] | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Record:
    """`run_text`, and the record saved in the folder `out` when there is one."""
    record = run_text(data, systems, limit, progress, seed=seed)
    if out is not None:
        report.save(record, out)
    return record


def run_text(
    data: str | Path | None = None,
    systems: Sequence[str | Recipe] | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
    *,
    seed: int = 0,
) -> Record:
    """Measure systems on one task.

    Args:
        data: `locomo10.json`, or a folder as the task `sample` reads it; None is the bundled one.
        systems: names of the slot `bench.recipes` (`mnemon:program=fused` sets an option), or
            instances; None is all whose packages are installed (the others are told in
            `Record.skipped`).
        limit: ask only the first so many questions of the data, in its order.
        progress: called after each conversation with system, questions done, questions in all.
        seed: of the bootstrap intervals; nothing else is random.

    Raises:
        UnknownName: no such system. MissingExtra: one that was named lacks its package.
        ImportFailed: the data is of no task we know. InvalidInput: nothing to ask.
    """
    path = Path(data) if data is not None else BUNDLED
    recipes, skipped = inputs.recipes_of(systems)
    task = inputs.task_of(path)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    cases = inputs.limited(task.read(path), limit)
    unmeasured = Record(
        task=inputs.told_of(task),
        data=provenance.digests(path),
        code=provenance.code(),
        command=inputs.command("text", data, systems, limit=limit, seed=seed),
        machine=provenance.machine(),
        date=began,
        seed=seed,
        **inputs.contents_of(cases),
        depth=metrics.DEPTH,
        budgets=metrics.BUDGETS,
        systems=(),
        skipped=skipped,
    )
    found = [measure(name, recipe, cases, seed, progress) for name, recipe in recipes.items()]
    return replace(unmeasured, systems=tuple(found))
