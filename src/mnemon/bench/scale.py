"""`mnemon bench speed`: how fast Mnemon writes, finds, opens, and what memory it takes.

Each value is measured by its own code path, several times, and the median told; p50 and p95 are
over single calls, those of searches the median of three fresh processes; "after a while" is when a
process had a quarter of a minute of rests in which it could read ahead. Stores are files in a
temporary folder (choose the disk with TMPDIR; where it is in RAM, adds are faster than on any
disk), so an add is as durable as it ever is.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any

from mnemon.bench import fresh, large, provenance, synthetic
from mnemon.bench.report import markdown
from mnemon.bench.timing import Value, median, spread, timed, typical
from mnemon.errors import InvalidInput
from mnemon.memory import Memory

if TYPE_CHECKING:
    from rich.table import Table

_SINGLE = 200
_QUERIES = 200
_WARM = 20
_RESIDENT_QUERIES = 50
_REPEATS = 5
_BATCH_REPEATS = 3
_ROUNDS = 3
_CALLS = {
    "first": "search, k 10, first asked",
    "later": "search, k 10, first asked, after a while",
    "again": "search, k 10",
    "recall": "recall, 1000 tokens",
}
_LARGE = 50_000  # from here on one store in batches, not several in one


@dataclass(frozen=True, slots=True)
class Speed:
    """One run of `mnemon bench speed`; `notes` say what was not measured and why."""

    values: tuple[Value, ...]
    notes: tuple[str, ...]
    machine: Mapping[str, Any]
    code: Mapping[str, str]
    command: str
    date: str
    seed: int
    latency: tuple[Mapping[str, float], ...] = ()
    """For a plot of latency against size: cubes, and milliseconds by kind of call and quantile."""


def run_speed(
    sizes: Sequence[int] = (1000, 10000),
    out: str | Path | None = None,
    seed: int = 0,
    *,
    namespaces: int = 0,
    vectors: int = 0,
    folder: str | Path | None = None,
) -> Speed:
    """Measure everything; with `out`, a folder, write speed.json there too.

    Args:
        sizes: cubes in the stores; the last is also what fresh processes open. A million takes
            eight minutes, two gigabytes on disk and four of memory (for the exact search that the
            approximate one is compared with).
        namespaces: also search one of so many, of 20 cubes each (20,000: two minutes; a million:
            two hours and 20 gigabytes).
        vectors: also search so many vectors without a store (ten million: ten minutes, 4 GB).
        folder: where stores of 50,000 cubes and more, and of many namespaces, are kept for the
            next run; it must be there.

    Raises:
        InvalidInput: there is no such folder.
    """
    if folder is not None and not Path(folder).is_dir():
        raise InvalidInput(f"{folder} is no folder: make it, or leave --folder out")
    began = datetime.now(UTC).isoformat(timespec="seconds")
    values: list[Value] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="mnemon-speed-") as place:
        for size in sizes:
            kept = Path(place if folder is None or size < _LARGE else folder)
            values += _store(kept, size, seed)
        values += _single(Path(place) / "single.db", seed)
        values += _processes(kept / f"{sizes[-1]}.db", sizes[-1], seed, notes)
        if namespaces:
            values += large.many_namespaces(Path(folder or place), namespaces, seed=seed)
    if vectors:
        values += large.vectors_only(vectors, seed)
    told = f"mnemon bench speed --sizes {','.join(map(str, sizes))} --seed {seed}"
    for option, count in (("namespaces", namespaces), ("vectors", vectors)):
        told += f" --{option} {count}" if count else ""
    speed = Speed(
        tuple(values), tuple(notes), provenance.machine(), provenance.code(), told, began, seed,
        _latency(values),
    )  # fmt: skip
    save(speed, out)
    return speed


def save(speed: Speed, out: str | Path | None) -> None:
    """Write speed.json into the folder `out`, if there is one."""
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(speed), indent=1, ensure_ascii=False) + "\n"
        (Path(out) / "speed.json").write_text(text, encoding="utf-8")


def _latency(values: Sequence[Value]) -> tuple[Mapping[str, float], ...]:
    points: dict[int, dict[str, float]] = {}
    for one in values:
        name, _, quantile = one.name.rpartition(", ")
        for kind, called in _CALLS.items():
            if name == called:
                points.setdefault(one.size, {})[f"{kind} {quantile}"] = one.value
    return tuple({"cubes": size, **points[size]} for size in sorted(points))


def render(speed: Speed) -> str:
    """A Markdown table, what was not measured, the machine and the command."""
    told = ", ".join(f"{name} {value}" for name, value in speed.machine.items())
    parts = [markdown(rows(speed)), *speed.notes, f"{told}. `{speed.command}`, {speed.date}"]
    return "\n\n".join(parts) + "\n"


def rows(speed: Speed) -> list[list[str]]:
    """The header, then a row for each value, with units."""
    body = [
        [one.name, f"{one.size:,}", _number(one.value), one.unit, f"{one.count} times"]
        for one in speed.values
    ]
    return [["what", "cubes in store", "value", "unit", "measured"], *body]


def table(speed: Speed) -> Table:
    """For a terminal."""
    from rich.table import Table

    head, *body = rows(speed)
    machine = speed.machine
    made = Table(title="Mnemon's speed", caption=f"{machine['cpu']}, {machine['cores']} cores")
    for name in head:
        made.add_column(name, justify="right" if name in ("cubes in store", "value") else "left")
    for row in body:
        made.add_row(*row)
    return made


def _store(folder: Path, size: int, seed: int) -> list[Value]:
    """Batch add into fresh stores, then search the last one."""
    path = folder / f"{size}.db"
    found = [large.filled(path, size, seed) if size >= _LARGE else _added(folder, size, seed)]
    every = synthetic.questions(2 * (_WARM + _QUERIES), seed)
    asked, later = every[::2], every[1::2]
    found += large.footprint(path, size, asked)
    rounds = [fresh.latencies_ms(path, asked, later, _WARM) for _ in range(_ROUNDS)]
    for kind, name in _CALLS.items():
        found += typical(name, [told[kind][_WARM:] for told in rounds], size)
    return found + large.against_exact(path, size, asked)


def _added(folder: Path, size: int, seed: int) -> Value:
    drafts = synthetic.turns(size, seed)
    rates = []
    for attempt in range(_BATCH_REPEATS):
        path = folder / (f"{size}.db" if attempt == 0 else f"{size}-{attempt}.db")
        with Memory(path) as memory:
            rates.append(size / timed(memory.add, drafts))
    return Value("add in one batch, with embeddings", median(rates), "cubes/s", size, len(rates))


def _single(path: Path, seed: int) -> list[Value]:
    """Adds of one turn each, every one durable when it returns."""
    drafts = synthetic.turns(_WARM + _SINGLE, seed + 1)
    with Memory(path) as memory:
        times = [timed(memory.add, one) * 1000 for one in drafts][_WARM:]
    return spread("add one, durable", times, len(drafts))


def _processes(store: Path, size: int, seed: int, notes: list[str]) -> list[Value]:
    asked = synthetic.questions(_RESIDENT_QUERIES, seed)
    searched = json.dumps(asked)
    found = [
        _repeated("resident memory after 50 searches", fresh.resident_mib, "MiB", size, store,
                  searched),
        _repeated("first answer, fresh process with imports", fresh.first_answer_s, "s", 1),
        _repeated("import mnemon", fresh.import_ms, "ms", 0),
    ]  # fmt: skip
    try:
        times = [fresh.shell_ms(store, question) for question in asked[:_REPEATS]]
    except CalledProcessError as error:
        notes.append(f"cold `mnemon search` not measured: {error.stderr.strip()[-200:]}")
        return found
    told = [one for one in times if one is not None]
    if not told:
        notes.append("cold `mnemon search` not measured: this version has no command line")
        return found
    return [*found, Value("mnemon search, cold shell", median(told), "ms", size, len(told))]


def _repeated(name: str, measure: Callable[..., float], unit: str, size: int, *given: Any) -> Value:
    values = [measure(*given) for _ in range(_REPEATS)]
    return Value(name, median(values), unit, size, len(values))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
