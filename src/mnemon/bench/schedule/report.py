"""The run of `mnemon bench schedule` as tables."""

from __future__ import annotations

from collections.abc import Sequence

from mnemon.bench.report import Rows, markdown
from mnemon.bench.schedule.run import CLASSICAL, OURS, Row, ScheduleTable, shown


def render(found: ScheduleTable) -> str:
    """Markdown: how ours compares, then every policy on every trace."""
    parts = [f"Costs of {found.costs['machine']}; {found.date}; `{found.command}`"]
    for price in found.prices:
        rows = [row for row in found.rows if row.price == price]
        parts += [f"A background second costs {price:g}.", markdown(ratios(rows))]
    first = [row for row in found.rows if row.price == found.prices[0]]
    parts += [f"Every policy, a background second at {found.prices[0]:g}.", markdown(all_of(first))]
    return "\n\n".join(parts) + "\n"


def ratios(rows: Sequence[Row]) -> Rows:
    """Ours beside the best classical policy, a line a trace and budget; lower is better."""
    head = [
        "trace", "host:disk %", "best classical", "its cost, s", "ours, s", "ours / classical",
        "ours / optimum", "classical / optimum", "classical / optimum on demand",
    ]  # fmt: skip
    return [head, *(_ratio(ours, _best(rows, ours)) for ours in rows if ours.policy == OURS)]


def _best(rows: Sequence[Row], ours: Row) -> Row:
    beside = [
        row for row in rows
        if row.policy in CLASSICAL and (row.trace, row.budget) == (ours.trace, ours.budget)
    ]  # fmt: skip
    return min(beside, key=lambda row: row.cost)


def _ratio(ours: Row, best: Row) -> list[str]:
    return [
        ours.trace, shown(ours.budget), best.policy, f"{best.cost:.1f}", f"{ours.cost:.1f}",
        f"{ours.to_best_classical:.2f}", f"{ours.to_optimum:.2f}", f"{best.to_optimum:.2f}",
        f"{best.to_optimum_on_demand:.2f}",
    ]  # fmt: skip


def all_of(rows: Sequence[Row]) -> Rows:
    """A line a trace, budget and policy."""
    head = [
        "trace", "host:disk %", "policy", "cost, s", "waited, s", "background, s", "host hits",
        "disk hits", "misses", "writes", "ahead (used)", "most moves of a cube",
    ]  # fmt: skip
    return [head, *(_whole(row) for row in rows)]


def _whole(row: Row) -> list[str]:
    told = row.outcome
    return [
        row.trace, shown(row.budget), row.policy, f"{row.cost:.1f}", f"{told.waited:.1f}",
        f"{told.written + told.compiled:.1f}", str(told.host_hits), str(told.disk_hits),
        str(told.misses), str(told.writes), f"{told.ahead} ({told.ahead_used})", str(told.moves),
    ]  # fmt: skip
