"""One run: traces × budgets × policies, their costs, and how they compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnemon import methods
from mnemon.bench import provenance
from mnemon.bench.schedule import drawn
from mnemon.bench.schedule.asked import asked
from mnemon.errors import InvalidInput
from mnemon.schedule.costs import Costs
from mnemon.schedule.optimum import lower_bound
from mnemon.schedule.simulator import Outcome, simulate
from mnemon.schedule.trace import Trace
from mnemon.schedule.view import view

SLOT = "schedule.policies"
OURS = "expected-saving"
CLASSICAL = ("lru", "lfu", "lfu-with-history", "gdsf", "lhd", "s3-fifo")
BUDGETS = ((2, 8), (5, 20), (10, 50))
"""Of host and disk, in percent of the bytes of all cubes."""
PRICES = (0.25, 1.0)


@dataclass(frozen=True)
class Row:
    """A policy on a trace at a budget.

    Attributes:
        budget: percent of the bytes of all cubes, of host and disk.
        price: of a background second, in seconds waited.
        cost: seconds waited and the price of the background.
        to_best_classical: its cost by that of the best classical policy.
        to_optimum: its cost by the lower bound of what any policy costs.
        to_optimum_on_demand: the same of those that compile nothing ahead.
    """

    trace: str
    budget: tuple[float, float]
    price: float
    policy: str
    cost: float
    to_best_classical: float
    to_optimum: float
    to_optimum_on_demand: float
    outcome: Outcome


@dataclass(frozen=True)
class ScheduleTable:
    """One run of `mnemon bench schedule`.

    Attributes:
        cost_ratio_to_best_classical, cost_ratio_to_optimum: of ours, by trace, the worst of all
            budgets at the first price.
    """

    cost_ratio_to_best_classical: dict[str, float]
    cost_ratio_to_optimum: dict[str, float]
    best_classical: dict[str, dict[str, str]]
    rows: tuple[Row, ...]
    traces: dict[str, dict[str, Any]]
    prices: tuple[float, ...]
    costs: dict[str, Any]
    machine: dict[str, Any]
    code: dict[str, str]
    command: str
    date: str
    seed: int


def run_schedule(
    data: Path | None = None, *, policies: Sequence[str] | None = None,
    budgets: Sequence[tuple[float, float]] = BUDGETS, prices: Sequence[float] = PRICES,
    costs: Costs | None = None, seed: int = 0, command: str = "",
    progress: Callable[[int, int], None] | None = None, traces: Sequence[Trace] | None = None,
) -> ScheduleTable:  # fmt: skip
    """Compare policies.

    Args:
        data: of a task, for traces of real questions; None: the bundled sample.
        policies: of the slot `schedule.policies`; ours and the classical ones are always run.
        costs: None: those of the machine that Mnemon's figures were taken on.
        progress: called with (done, in all).
        traces: these instead of the usual ones.

    Raises:
        UnknownName: no such policy. ImportFailed: no data of a task.
        InvalidInput: no budget or price, or a negative one.
    """
    if not budgets or not prices:
        raise InvalidInput("name at least one budget and one price")
    began = datetime.now(UTC).isoformat(timespec="seconds")
    named = methods.names(SLOT) if policies is None else policies
    named = list(dict.fromkeys([*CLASSICAL, *named, OURS]))
    if traces is None:
        traces = [*asked(data, seed), drawn.zipf(seed), drawn.zipf(seed, burst=20),
                  drawn.drifting(seed)]  # fmt: skip
    cells = [(t, b, p) for t in traces for b in budgets for p in prices]
    rows: list[Row] = []
    for done, (trace, budget, price) in enumerate(cells, start=1):
        rows += compared(trace, named, costs or Costs(), budget, price)
        if progress is not None:
            progress(done, len(cells))
    return ScheduleTable(
        *_ratios(rows, prices[0]), tuple(rows), {one.name: _told(one) for one in traces},
        tuple(prices), asdict(costs or Costs()), provenance.machine(), provenance.code(), command,
        began, seed,
    )  # fmt: skip


def compared(
    trace: Trace, policies: Sequence[str], costs: Costs, budget: tuple[float, float], price: float
) -> list[Row]:
    """Policies on one trace at one budget; the classical ones must be among them."""
    held = float(costs.held(trace.tokens.astype(float)).sum())
    seen = view(trace, costs, budget[0] / 100 * held, budget[1] / 100 * held, price)
    outcomes = {one: simulate(trace, methods.load(SLOT, one), seen) for one in policies}
    each = {one: outcome.cost(price) for one, outcome in outcomes.items()}
    best = min(each[one] for one in CLASSICAL)
    optimum, on_demand = (lower_bound(trace, seen, ahead=ahead) for ahead in (True, False))
    return [
        Row(trace.name, budget, price, one, each[one], each[one] / best, each[one] / optimum,
            each[one] / on_demand, outcomes[one])
        for one in policies
    ]  # fmt: skip


def _ratios(
    rows: Sequence[Row], price: float
) -> tuple[dict[str, float], dict[str, float], dict[str, dict[str, str]]]:
    classical: dict[str, float] = {}
    optimum: dict[str, float] = {}
    best: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.price != price:
            continue
        if row.policy == OURS:
            classical[row.trace] = max(classical.get(row.trace, 0.0), row.to_best_classical)
            optimum[row.trace] = max(optimum.get(row.trace, 0.0), row.to_optimum)
        elif row.policy in CLASSICAL and row.to_best_classical == 1.0:
            best.setdefault(row.trace, {})[shown(row.budget)] = row.policy
    return classical, optimum, best


def shown(budget: tuple[float, float]) -> str:
    """`5:20`."""
    return ":".join(f"{one:g}" for one in budget)


def _told(trace: Trace) -> dict[str, Any]:
    return {
        "questions": len(trace.questions), "accesses": trace.accesses,
        "cubes": len(trace.tokens), "tokens": int(trace.tokens.sum()), **trace.facts,
    }  # fmt: skip
