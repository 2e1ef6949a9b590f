"""What is asked, and what a channel answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Why = Callable[[Sequence[int]], Sequence[str]]
"""Indices of a view → what matched in each, for people."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question, analysed once for all channels.

    `terms`: what to look for in words; `words`: its plain lower-case words, to see whom it names;
    `vector`: float32 [D] unit, or None without an embedding space; `compounds`: terms of adjacent
    words written as one, or of one written apart ("road trip", "roadtrip"), whose postings a view
    has too; `at`: microseconds of when it is asked, None for the view's `now`.
    """

    text: str
    terms: tuple[str, ...]
    words: frozenset[str]
    vector: np.ndarray | None = None
    compounds: tuple[str, ...] = ()
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """A channel's answer, best first: int32 [M] indices into the view, float32 [M] scores.

    `ceiling` is the score that a cube saying exactly what is asked would get: it makes scores of
    different questions comparable. `why` tells what matched in some of the indices; it is called
    for the hits of a search that explains, and for no other. `cosines` float32 [N] are those of
    every version with the question, where the channel has compared them all. `trust` in [0, 1] is
    multiplied with the channel's weight: less where it cannot know this question well.
    """

    channel: str
    indices: np.ndarray
    scores: np.ndarray
    ceiling: float = 1.0
    why: Why | None = None
    cosines: np.ndarray | None = None
    trust: float = 1.0
