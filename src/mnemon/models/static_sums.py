"""Texts as sums of the static model's rows, as turns and as questions weigh them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.models import static_tuning
from mnemon.models.static_model import Table, load
from mnemon.models.vectors import many

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TOKENS = 8192
"""Of a text, by default, that count for its vector."""
# English has 4 to 5 characters a token: cutting at 8 bounds the work without biting before
# `max_tokens` does.
CHARACTERS_PER_TOKEN = 8


@dataclass(frozen=True)
class Tables:
    """The model as turns and as questions see it, and what questions' sums are multiplied by."""

    turns: Table
    questions: Table
    turned: NDArray[np.float32] | None


@cache
def tuned(folder: Path, tuning: Path | None) -> Tables:
    """The model in a folder with a tuning's weights, read once per process."""
    table = load(folder)
    if tuning is None:
        return Tables(table, table, None)
    told = static_tuning.read(tuning, *table.single.vectors.shape)
    turns = table.weighed(told.turns, told.pairs[0])
    return Tables(turns, table.weighed(told.questions, told.pairs[1]), told.turned)


def known(table: Table, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """The ids of the first `max_tokens` tokens of each text, less the unknown ones."""
    limit = max_tokens * CHARACTERS_PER_TOKEN
    return [table.known(text[:limit], max_tokens) for text in many(texts)]


def sums(table: Table, texts: Sequence[list[int]]) -> NDArray[np.float32]:
    """The sum of the rows of each of `texts`, lists of ids: float32 [N, D]."""
    import numpy as np

    found = np.zeros((len(texts), table.single.vectors.shape[1]), np.float32)
    table.sums(texts, found)
    return found


def turned(rows: NDArray[np.float32], tables: Tables) -> NDArray[np.float32]:
    """What questions' vectors become, float32 [N, D]."""
    from mnemon.blas import stacked  # numpy

    if tables.turned is None:
        return rows
    found: NDArray[np.float32] = stacked(rows[:, None], tables.turned)[:, 0]
    return found
