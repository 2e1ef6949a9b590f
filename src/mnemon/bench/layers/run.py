"""Every variant is trained on the same documents, asked, and counted; then facts go into the
bundled model, frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

from mnemon.bench import provenance
from mnemon.errors import InvalidInput
from mnemon.models.extras import require

if TYPE_CHECKING:
    from mnemon.bench.layers.cells import Row

TOPICS, FACTS, STEPS, RATES = 16, 16, 160, (1e-2,)
_ASIDE = 1_000_003  # seed that rates are chosen on


@dataclass(frozen=True, slots=True)
class LayersRun:
    """One run of `mnemon bench layers`: `aside` chose the rates, `frozen` is by method (see
    `recalling.frozen`)."""

    rows: Sequence[Row]
    aside: Sequence[Row]
    frozen: Sequence[dict[str, Any]]
    context: dict[str, Any]
    origin: provenance.Origin


def run_layers(
    seeds: int = 2, *, seed: int = 0, steps: int = STEPS, topics: int = TOPICS, facts: int = FACTS,
    taught: int = 20, rates: Sequence[float] = RATES, only: Sequence[str] | None = None,
    jobs: int = 1, command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> LayersRun:  # fmt: skip
    """Measure the methods of the slot `weights.layer`.

    Args:
        seeds: how many, from `seed` on, of world, decoder and memory.
        steps: of training. topics, facts: of the world; facts of each topic.
        taught: facts that are trained into a memory on the bundled model's small sibling; 0 leaves
            that part out.
        rates: of training: if there are several, each variant is trained with each on a seed held
            aside, and takes the one by which it answers most facts there.
        only: names of what is trained; all if None.
        jobs: processes that train at once, of one thread each.
        progress: called with (done, in all).

    Raises:
        InvalidInput: no seeds, steps or jobs. UnknownName: nothing is called so.
        MissingExtra: the extra `[weights]` is not installed.
    """
    _checked(seeds, steps, jobs)
    from mnemon.bench.layers import recalling, variants, workers
    from mnemon.bench.layers.cells import Cell

    chosen = variants.named(only)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    tried = [(one, rate) for one in chosen for rate in rates] if len(rates) > 1 else []
    total = len(tried) + seeds * len(chosen) + (len(recalling.TAUGHT) if taught else 0)
    rows, aside = list["Row"](), list["Row"]()
    frozen = list[dict[str, Any]]()

    def say() -> None:
        if progress is not None:
            progress(len(aside) + len(rows) + len(frozen), total)

    def measure(into: list[Row], cells: Sequence[Cell]) -> None:
        for row in workers.measured(cells, jobs):
            into.append(row)
            say()

    measure(aside, [Cell(one, rate, _ASIDE, steps, topics, facts) for one, rate in tried])
    best = {one.name: rates[0] for one in chosen} | _best(aside)
    both = product(range(seed, seed + seeds), chosen)
    measure(rows, [Cell(one, best[one.name], at, steps, topics, facts) for at, one in both])
    for one in recalling.TAUGHT if taught else ():
        frozen.append(recalling.frozen(one, taught, seed))
        say()
    origin = provenance.Origin({}, provenance.code(), command, provenance.machine(), began, seed)
    return LayersRun(_sorted(rows), _sorted(aside), frozen, _context(steps, topics, facts), origin)


def _checked(seeds: int, steps: int, jobs: int) -> None:
    if min(seeds, steps, jobs) < 1:
        raise InvalidInput(
            f"{seeds} seeds of {steps} steps in {jobs} jobs measure nothing: take 1 or more of each"
        )
    for name in ("torch", "transformers", "safetensors"):
        require(name, name, "weights")


def _sorted(rows: Sequence[Row]) -> list[Row]:
    """By seed, and as variants stand in the table."""
    from mnemon.bench.layers.variants import VARIANTS

    order = [one.name for one in VARIANTS]
    return sorted(rows, key=lambda row: (row.seed, order.index(row.name), row.rate))


def _best(aside: Sequence[Row]) -> dict[str, float]:
    """The rate of each name that answers most; of equals, the one that predicts best."""
    ranked = sorted(aside, key=lambda row: (row.answered, -row.validation))
    return {row.name: row.rate for row in ranked}


def _context(steps: int, topics: int, facts: int) -> dict[str, Any]:
    import os

    torch, transformers = (require(name, name, "weights") for name in ("torch", "transformers"))
    return {
        "steps": steps, "topics": topics, "facts": topics * facts, "torch": torch.__version__,
        "transformers": transformers.__version__, "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }  # fmt: skip
