"""What is measured: a cell is one task in one regime at one length under one policy and budget."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from mnemon.bench.kv.regimes import QUESTIONS, REGIMES, kept_back
from mnemon.bench.provenance import PACKAGE
from mnemon.bench.recall.sampling import TASKS
from mnemon.errors import InvalidInput, UnknownName

if TYPE_CHECKING:
    from mnemon.bench.kv.policies import Chosen

FULL = "full"
"""The policy of a cell that is the model as it is, with its own cache."""
SEVEN = ("niah_single", "niah_multikey", "multivalue", "multiquery", "vt", "kv", "update")
"""The tasks of the column `mean7`."""
SPEED = "speed"
"""The regime of a cell in which times are taken and nothing is asked."""
_DECIDING = (
    "kv", "bench/recall", "bench/kv/answering.py", "bench/kv/cases.py", "bench/kv/measuring.py",
    "bench/kv/regimes.py", "bench/kv/speed.py",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One cell: everything that decides its row, but for the model and the machine.

    Attributes:
        regime: one of `regimes.REGIMES`, or `speed`. task: a task; `plain` is filler.
        length: tokens of context and questions (for another model than recall-lm: words).
        policy: as the user wrote it, or `full`. budget: as the user wrote it.
        samples: contexts; with `speed` sequences at once. questions: asked of each.
        tokens: generated in the regime `decode`.
    """

    regime: str
    task: str
    length: int
    policy: str
    budget: str
    samples: int
    questions: int
    tokens: int
    seed: int

    def key(self, context: dict[str, Any]) -> str:
        """A digest of the cell and what else decides its row: model, device, code."""
        told = json.dumps([asdict(self), context], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:24]


def grid(
    tasks: Sequence[str], regimes: Sequence[str], lengths: Sequence[int],
    policies: Sequence[Chosen], budgets: Sequence[str], samples: int, tokens: int, seed: int,
    batches: Sequence[int],
) -> list[Cell]:  # fmt: skip
    """Every cell, the plain model's first at each task; times at each of `batches`.

    Raises:
        UnknownName: no such task or regime.
        InvalidInput: nothing to measure.
    """
    _known(tasks, TASKS, "recall task")
    _known(regimes, tuple(REGIMES), "regime")
    pairs = [(FULL, "1.0")]
    pairs += [(one.text, budget) for one in policies for budget in one.budgets or budgets]
    made = [
        Cell(regime, task, length, policy, budget, samples, _questions(regime), 0, seed)
        for regime in regimes
        for length in lengths
        for task in _suited(regime, tasks)
        for policy, budget in dict.fromkeys(pairs)
    ]
    made = [replace(one, tokens=tokens) if one.regime == "decode" else one for one in made]
    if not made:
        raise InvalidInput(
            f"none of the tasks {', '.join(tasks)} is asked in the regimes {', '.join(regimes)}"
        )
    made += [
        Cell(SPEED, "plain", max(lengths), policy, budget, batch, 0, 0, seed)
        for batch in dict.fromkeys(batches)
        for policy, budget in dict.fromkeys(pairs)
    ]
    return made


def _questions(regime: str) -> int:
    return QUESTIONS.get(regime, 1)


def _suited(regime: str, tasks: Sequence[str]) -> Iterator[str]:
    """The tasks that a regime asks: all, or those with several questions, or only filler."""
    if regime == "perplexity":
        yield "plain"
        return
    yield from (task for task in tasks if task not in kept_back(regime))


def _known(given: Sequence[str], known: Sequence[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise UnknownName(f"no {what} is called {name!r}: there are {', '.join(known)}")


@cache
def code_digest() -> str:
    """Of the sources that decide a row: the engine, its methods, the tasks, how they are asked."""
    total = hashlib.sha256()
    for place in _DECIDING:
        found = PACKAGE / place
        for file in sorted(found.rglob("*.py")) if found.is_dir() else [found]:
            total.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0")
            total.update(file.read_bytes())
    return total.hexdigest()[:16]
