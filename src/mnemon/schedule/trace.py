"""A trace: which cubes which question used, and what is known of the cubes beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnemon.errors import InvalidInput

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Trace:
    """Questions in the order they were asked.

    Attributes:
        tokens: of each cube, `[N]`.
        namespaces: the number of each cube's namespace, `[N]`.
        groups: the number of each cube's session or topic, `[N]`; no group is in two namespaces.
        questions: the cubes each used, none twice.
        facts: how it was made, as JSON data.
    """

    name: str
    tokens: Ints
    namespaces: Ints
    groups: Ints
    questions: Sequence[Ints]
    facts: dict[str, Any]

    def __post_init__(self) -> None:
        if not (len(self.tokens) == len(self.namespaces) == len(self.groups)):
            raise InvalidInput(f"the trace {self.name!r} does not say of each cube all it must")
        for used in self.questions:
            if len(np.unique(used)) != len(used):
                raise InvalidInput(f"a question of the trace {self.name!r} uses a cube twice")

    @property
    def accesses(self) -> int:
        """Uses of a cube by a question, in all."""
        return sum(map(len, self.questions))
