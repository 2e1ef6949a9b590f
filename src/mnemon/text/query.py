"""What is asked, and what a channel answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Query:
    """A question, analysed once for all channels.

    `terms`: what to look for in words; `words`: its plain lower-case words, to see whom it names;
    `vector`: float32 [D] unit, or None without an embedding space.
    """

    text: str
    terms: tuple[str, ...]
    words: frozenset[str]
    vector: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """A channel's answer, best first: int32 [M] indices into the view, float32 [M] scores.

    `ceiling` is the score that a cube saying exactly what is asked would get: it makes scores of
    different questions comparable.
    """

    channel: str
    indices: np.ndarray
    scores: np.ndarray
    ceiling: float = 1.0
