"""Rows: what cells gave, one JSON object a line, appended as they come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mnemon.bench.kv.cells import SPEED
from mnemon.bench.kv.intervals import wilson
from mnemon.errors import InvalidInput

OURS = "mnemon"


@dataclass(frozen=True)
class Row:
    """What one cell gave. None: not measured.

    Attributes:
        key: a digest of all that decides the row. asked: a digest of the token ids that were asked.
        system: who compressed: `mnemon`, or what another script says.
        regime, task, length, policy, budget, samples, questions, tokens, seed: the cell.
        resolved: the policy with what `auto` chose. question: `agnostic` or `aware`. needs: what
            the policy asks of the core. masked: it frees nothing, it only masks.
        answers, right: answers asked, and those that were exact.
        held_bytes, full_bytes: of the cache after the prompt, and of a full one then, all samples.
        offloaded_bytes: what the policy keeps in a slower place besides.
        most_held: the greatest share of its budget that the cache held at any time (1: all of it).
        nll: mean negative log-likelihood, nats a token.
        prompt_s, plain_prompt_s: seconds of a prefill with the policy, and of the plain model's in
            the same process, medians. tokens_s: tokens decoded a second, all sequences together.
        peak_bytes: the greatest allocation above the model's own, by CUDA.
        batch: sequences at once. prompt_tokens, later_tokens: of the context, and of what
            came after it, means. seconds: the whole cell took.
        refused: why the policy cannot be measured so. failed: the error that ended the cell.
        device, dtype: where it ran.
    """

    key: str
    asked: str
    system: str
    regime: str
    task: str
    length: int
    policy: str
    budget: str
    samples: int
    questions: int
    tokens: int
    seed: int
    resolved: str = ""
    question: str = ""
    needs: tuple[str, ...] = ()
    masked: bool = False
    answers: int = 0
    right: int = 0
    held_bytes: int = 0
    full_bytes: int = 0
    offloaded_bytes: int = 0
    most_held: float | None = None
    nll: float | None = None
    prompt_s: float | None = None
    plain_prompt_s: float | None = None
    tokens_s: float | None = None
    peak_bytes: int | None = None
    batch: int = 0
    prompt_tokens: int = 0
    later_tokens: int = 0
    seconds: float = 0.0
    refused: str = ""
    failed: str = ""
    device: str = ""
    dtype: str = ""

    @property
    def accuracy(self) -> float | None:
        """The share of answers that are exact."""
        return self.right / self.answers if self.answers else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the accuracy."""
        return wilson(self.right, self.answers) if self.answers else None

    @property
    def held(self) -> float | None:
        """Real bytes by a full cache's."""
        return self.held_bytes / self.full_bytes if self.full_bytes else None

    @property
    def overhead(self) -> float | None:
        """What the policy adds to the prefill, by the plain prefill."""
        if self.prompt_s is None or not self.plain_prompt_s:
            return None
        return self.prompt_s / self.plain_prompt_s - 1

    @property
    def is_speed(self) -> bool:
        """Whether it is of a cell that takes times."""
        return self.regime == SPEED


_FIELDS = {one.name for one in fields(Row)}
_NEEDED = {one.name for one in fields(Row) if one.default is MISSING} - {"key"}


def append(path: Path, row: Row) -> None:
    """Add a row to a file, at once."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(row)) + "\n")


def read(path: Path) -> list[Row]:
    """The rows of a file; a last line that was cut off while it was written is left out.

    Raises:
        InvalidInput: no such file, or something else is in it.
    """
    if not path.is_file():
        raise InvalidInput(f"{path} is no file of rows: name one that a bench wrote")
    text = path.read_text("utf-8")
    lines = text.split("\n")
    return [_row(line, path, place) for place, line in enumerate(lines[:-1], 1) if line.strip()]


def mend(path: Path) -> None:
    """Take off a last line that was cut off while it was written, so that others can follow."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        path.write_bytes(data[:whole])


def _row(line: str, path: Path, place: int) -> Row:
    try:
        told = json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{path}, line {place}, is not JSON: {error}") from None
    return row_of(told, f"{path}, line {place}")


def row_of(told: Any, where: str) -> Row:
    """A row from JSON.

    Raises:
        InvalidInput: fields are missing, or are none of a row's.
    """
    if not isinstance(told, dict):
        raise InvalidInput(f"{where}, is no row of `mnemon bench kv`")
    if missing := sorted(_NEEDED - told.keys()):
        raise InvalidInput(f"{where}, is no row of `mnemon bench kv`: no {', '.join(missing)}")
    if strange := sorted(told.keys() - _FIELDS):
        raise InvalidInput(
            f"{where}, has {', '.join(strange)}, which no row has: it is of another version"
        )
    return Row(**{"key": "", **told, "needs": tuple(told.get("needs", ()))})


def finished(rows: Iterable[Row]) -> dict[str, Row]:
    """Rows by key, the last of each; failed ones are to be tried again."""
    return {row.key: row for row in rows if row.key and not row.failed}


def merged(ours: Sequence[Row], theirs: Sequence[Row]) -> list[Row]:
    """Both; a row of theirs that says the same as an earlier one replaces it."""
    placed = {_place(row): row for row in [*ours, *theirs]}
    return list(placed.values())


def _place(row: Row) -> tuple[Any, ...]:
    alike = row.samples if row.is_speed else 0  # at once; else more of the same
    return row.system, row.regime, row.task, row.length, row.policy, row.budget, alike
