"""The table: a line a policy and budget, by regime and length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from mnemon.bench.kv.cells import FULL, SEVEN
from mnemon.bench.kv.intervals import wilson
from mnemon.bench.kv.policies import AUTO, rank
from mnemon.bench.kv.rows import OURS, Row
from mnemon.bench.report import Rows

NONE = "–"
_WATCHED = ("most held, of budget", "tokens after")


@dataclass(frozen=True)
class Line:
    """One policy at one budget in one regime and length.

    Attributes:
        asked: its rows, a task each.
    """

    system: str
    policy: str
    budget: str
    asked: tuple[Row, ...]

    @property
    def name(self) -> str:
        """The policy, with who compressed if it was not Mnemon, and what to know of its bytes."""
        return next((_name(row) for row in self.asked if row.full_bytes), _name(self.asked[0]))

    @property
    def held(self) -> float | None:
        """Real bytes by full bytes, over all tasks."""
        full = sum(row.full_bytes for row in self.asked)
        return sum(row.held_bytes for row in self.asked) / full if full else None

    @property
    def bytes(self) -> str:
        """The same in percent, and what is offloaded besides."""
        full = sum(row.full_bytes for row in self.asked)
        offloaded = sum(row.offloaded_bytes for row in self.asked)
        return percent(self.held) + (f" + {100 * offloaded / full:.1f}" if offloaded else "")

    def accuracy(self, task: str) -> float | None:
        """On one task; None if it was not measured."""
        return next((row.accuracy for row in self.asked if row.task == task), None)

    @property
    def mean7(self) -> float | None:
        """The mean over the seven tasks `cells.SEVEN`; None if one is missing."""
        each = [share for task in SEVEN if (share := self.accuracy(task)) is not None]
        return mean(each) if len(each) == len(SEVEN) else None

    @property
    def interval7(self) -> tuple[float, float] | None:
        """Its 95 % interval, of the answers of all seven taken together: at least wide enough."""
        seven = [row for row in self.asked if row.task in SEVEN]
        if self.mean7 is None:
            return None
        return wilson(sum(row.right for row in seven), sum(row.answers for row in seven))

    @property
    def trouble(self) -> str:
        """`refused` or `failed` if nothing of it was measured, else nothing."""
        each = [_trouble(row) for row in self.asked]
        return each[0] if all(each) else ""


def lines(rows: Sequence[Row], regime: str, length: int) -> list[Line]:
    """The lines of a regime and a length: the full cache, Mnemon's policies, those of others."""
    places: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.regime == regime and row.length == length:
            places.setdefault((row.system, row.policy, row.budget), []).append(row)
    made = [Line(*place, tuple(found)) for place, found in places.items()]
    return sorted(made, key=lambda one: _order(one.asked[0]))


def sections(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Regimes and lengths that were measured, in order."""
    return list(dict.fromkeys((row.regime, row.length) for row in rows if not row.is_speed))


def quality(found: Sequence[Line]) -> Rows:
    """Percent of answers that are exact, with 95 % intervals, and the bytes really held."""
    tasks = list(dict.fromkeys(row.task for line in found for row in line.asked))
    others = [task for task in tasks if task != "kv"]
    shown = [*others, *(["kv"] if "kv" in tasks else [])]
    watched = any(row.most_held is not None for line in found for row in line.asked)
    head = ["policy", "budget", "bytes", *_WATCHED * watched, "mean7", *shown, "n", "scores"]
    return [head, *(_quality(line, shown, watched) for line in found)]


def _quality(line: Line, tasks: Sequence[str], watched: bool) -> list[str]:
    if line.trouble:
        blank = [NONE] * (len(tasks) + 3 + len(_WATCHED) * watched)
        return [line.name, line.budget, line.trouble, *blank]
    by_task = {row.task: row for row in line.asked}
    each = [_share(by_task[task]) if task in by_task else NONE for task in tasks]
    most = max((row.most_held or 0.0 for row in line.asked), default=0.0)
    measured = [row for row in line.asked if not _trouble(row)]
    later = sorted({row.later_tokens for row in measured})
    return [
        line.name, line.budget, line.bytes,
        *[percent(most), "/".join(map(str, later))] * watched,
        _with(line.mean7, line.interval7), *each,
        "/".join(map(str, sorted({row.answers for row in measured}))),
        line.asked[0].question or NONE,
    ]  # fmt: skip


def perplexity(found: Sequence[Line]) -> Rows:
    """Perplexity of filler; lower is better."""
    head = ["policy", "budget", "bytes", "most held, of budget", "perplexity"]
    return [head, *(_perplexity(line) for line in found)]


def _perplexity(line: Line) -> list[str]:
    from math import exp

    (row,) = line.asked
    told = NONE if row.nll is None else f"{exp(row.nll):.2f}"
    held = line.trouble or line.bytes
    return [line.name, line.budget, held, percent(row.most_held), told]


def costs(rows: Sequence[Row]) -> Rows:
    """Times and memory."""
    head = [
        "policy", "budget", "bytes", "prefill, s", "over plain prefill", "decode, tokens/s",
        "peak, MB", "batch", "scores", "needs", "resolved",
    ]  # fmt: skip
    return [head, *(_cost(row) for row in sorted(rows, key=_costly) if row.is_speed)]


def _cost(row: Row) -> list[str]:
    name = _name(row)
    if trouble := _trouble(row):
        return [name, row.budget, trouble, *[NONE] * 4, str(row.batch), *[NONE] * 3]
    peak = "not measured" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:.1f}"
    over = NONE if row.overhead is None else f"{100 * row.overhead:+.0f} %"
    return [
        name, row.budget, percent(row.held), _number(row.prompt_s, 3), over,
        _number(row.tokens_s, 1), peak, str(row.batch), row.question or NONE,
        ", ".join(row.needs) or NONE, row.resolved if row.policy == AUTO else NONE,
    ]  # fmt: skip


def _costly(row: Row) -> tuple[int, tuple[bool, bool, int, str, float]]:
    return row.batch, _order(row)


def _order(row: Row) -> tuple[bool, bool, int, str, float]:
    policy = (row.policy != FULL, row.system != OURS, rank(row.policy), row.policy)
    return *policy, -float(row.budget) if row.budget.replace(".", "", 1).isdigit() else 0.0


def _name(row: Row) -> str:
    told = row.policy if row.system == OURS else f"{row.system}: {row.policy}"
    return told + " (masked)" * row.masked + " (offloads)" * bool(row.offloaded_bytes)


def percent(share: float | None) -> str:
    """A share as percent with one decimal."""
    return NONE if share is None else f"{100 * share:.1f}"


def _trouble(row: Row) -> str:
    return "refused" if row.refused else "failed" if row.failed else ""


def _share(row: Row) -> str:
    return _trouble(row) or _with(row.accuracy, row.interval)


def _with(share: float | None, interval: tuple[float, float] | None) -> str:
    if share is None or interval is None:
        return NONE
    low, high = interval
    return f"{100 * share:.0f} ({100 * low:.0f}-{100 * high:.0f})"


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"
