"""`mnemon bench kv`: what policies keep, what they cost, and what the model still knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnemon.bench import provenance
from mnemon.bench.kv import rows as lines
from mnemon.bench.kv.cells import Cell, grid
from mnemon.bench.kv.exporting import asked_by
from mnemon.bench.kv.loading import BUNDLED, Which
from mnemon.bench.kv.policies import Selection, select
from mnemon.bench.kv.rows import Row
from mnemon.bench.recall.sampling import TASKS
from mnemon.errors import InvalidInput
from mnemon.models.extras import require

ROWS = "rows.jsonl"
BUDGETS = ("0.5", "0.25", "0.1")


@dataclass(frozen=True)
class KVTable:
    """One run: what was measured, and all rows, merged ones too.

    Attributes:
        context: the model, device, precision and versions.
        unknown: policies the user named that this installation does not have.
        fresh: rows that this run measured; the others were there before, or were merged.
    """

    context: dict[str, Any]
    rows: tuple[Row, ...]
    unknown: tuple[str, ...]
    fresh: int
    origin: provenance.Origin


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Attributes:
        tasks: of `recall.TASKS`. regimes: of `regimes.REGIMES`.
        lengths: tokens of context and questions; words for another model than recall-lm.
        policies: as `policies.select` reads them. budgets: such as `0.25`, `1024`, `512MB`.
        samples: contexts of each task and length; the first has `seed`, and the others follow.
        tokens: after the context, in the regime `decode`.
        batches: sequences at once when times are taken; none: they are not.
    """

    tasks: Sequence[str] = TASKS
    regimes: Sequence[str] = ("agnostic",)
    lengths: Sequence[int] = (1024,)
    policies: str = "table"
    budgets: Sequence[str] = BUDGETS
    samples: int = 16
    tokens: int = 2048
    batches: Sequence[int] = (1,)
    seed: int = 0

    def cells(self, selection: Selection) -> list[Cell]:
        """The cells.

        Raises:
            UnknownName: no such task or regime. InvalidInput: nothing to measure, no such budget.
        """
        from mnemon.bench.kv.answering import budget_of

        for budget in (*self.budgets, *(b for one in selection.policies for b in one.budgets)):
            budget_of(budget)
        if self.samples < 1:
            raise InvalidInput(f"{self.samples} samples: take at least one")
        if any(batch < 1 for batch in self.batches):
            raise InvalidInput("a batch has at least one sequence")
        return grid(
            self.tasks, self.regimes, self.lengths, selection.policies, self.budgets,
            self.samples, self.tokens, self.seed, self.batches,
        )  # fmt: skip


def run_kv(
    plan: Plan | None = None, which: Which | None = None, *, out: Path | None = None,
    resume: bool = False, merge: Sequence[Path] = (), workers: int = 1, command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> KVTable:  # fmt: skip
    """Measure policies, or go on with what `out` holds.

    Args:
        plan: what is measured. which: on which model.
        out: a folder; each row is added to its `rows.jsonl` when it is there.
        resume: take from that file what was measured already, under the same code and versions.
        merge: files of rows that others measured on the same samples.
        workers: processes that share the device; times are always taken by one alone.
        progress: called with (done, in all), in cells.

    Raises:
        InvalidInput: nothing to measure; a policy that cannot be; rows of other samples.
        UnknownName: no such task, regime or policy.
        MissingExtra: torch or transformers is not installed.
    """
    plan, which = plan or Plan(), which or Which()
    for name in ("torch", "transformers"):
        require(name, name, "kv")
    from mnemon.bench.kv.workers import measured

    origin = _origin(command, plan.seed)
    selection = select(plan.policies)
    cells = plan.cells(selection)
    known = _known(out, resume)
    bench = which.load()
    _fit(bench.model, plan, which)
    theirs = read_same(merge, bench.tokenizer)
    keys = {cell.key(bench.context): cell for cell in cells}
    found = {key: known[key] for key in keys if key in known}
    left = [cell for key, cell in keys.items() if key not in found]
    for row in measured(bench, which, left, workers):
        found[row.key] = row
        if out is not None:
            lines.append(out / ROWS, row)
        if progress is not None:
            progress(len(found), len(keys))
    rows = lines.merged([found[key] for key in keys], theirs)
    return KVTable(bench.context, tuple(rows), selection.unknown, len(left), origin)


def gathered(merge: Sequence[Path], command: str = "") -> KVTable:
    """The table of rows that were measured before, on recall-lm; nothing is measured.

    Raises:
        InvalidInput: no rows, or rows of samples that this version does not draw.
    """
    rows = lines.merged([], read_same(merge, None))
    if not rows:
        raise InvalidInput("there are no rows: name files of them with --merge")
    context = {"device": rows[0].device, "dtype": rows[0].dtype}
    return KVTable(context, tuple(rows), (), 0, _origin(command, rows[0].seed))


def _origin(command: str, seed: int) -> provenance.Origin:
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return provenance.Origin({}, provenance.code(), command, provenance.machine(), began, seed)


def _known(out: Path | None, resume: bool) -> dict[str, Row]:
    if out is None:
        if resume:
            raise InvalidInput("there is nothing to go on with: name the folder with --out")
        return {}
    out.mkdir(parents=True, exist_ok=True)
    file = out / ROWS
    if not file.is_file():
        return {}
    if not resume:
        raise InvalidInput(f"{file} has rows: go on with --resume, or name another folder")
    lines.mend(file)
    return lines.finished(lines.read(file))


def _fit(model: Any, plan: Plan, which: Which) -> None:
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if which.model == BUNDLED and most is not None and max(plan.lengths) > most:
        raise InvalidInput(f"the model was trained to {most} tokens; {max(plan.lengths)} are more")


def read_same(files: Sequence[Path], tokenizer: Any) -> list[Row]:
    """Rows of others, that were asked what this bench asks.

    Raises:
        InvalidInput: one was asked something else.
    """
    rows = [row for file in files for row in lines.read(file)]
    for row in rows:
        if row.asked != asked_by(row, tokenizer) and not (row.refused or row.failed):
            raise InvalidInput(
                f"the row of {row.system} {row.policy} on {row.task} at {row.length} tokens was "
                "asked other samples: export them with --export-samples, and measure it again"
            )
    return rows
