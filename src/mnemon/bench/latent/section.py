"""What each part of the bench is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Cell: TypeAlias = "str | int | float"


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured on.

    Attributes:
        model, tokenizer: the bundled model or its small sibling. name: which of them.
        seed: of everything drawn.
        brief: the smallest run that shows that it works, for tests.
        long: the longer training, where a part trains a model for minutes on a CUDA device.
        device: where a part trains; what is measured runs on the CPU.
    """

    model: Any
    tokenizer: Any
    name: str
    seed: int = 0
    brief: bool = False
    long: bool = False
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of one table.

    Attributes:
        table: its heading, the same for all lines of a table.
        at: what was varied, by name. figures: what was measured, by name; shares are 0 to 1.
    """

    table: str
    at: Mapping[str, Cell]
    figures: Mapping[str, Cell]


Section: TypeAlias = "Callable[[Setting], Iterator[Row]]"
"""One method's part: its rows, table by table, each as soon as it is known."""
