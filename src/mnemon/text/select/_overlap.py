"""How much of a line's words others have said already."""

from __future__ import annotations

import numpy as np

from mnemon.text.select import Lines


class Said:
    """For each line the part of its words, by rarity, that lines taken so far do not say.

    A line that is taken says its words with a certainty in [0, 1]; what several say is missing only
    if all of them are wrong (noisy or).
    """

    def __init__(self, lines: Lines) -> None:
        kinds, self._flat = np.unique(lines.words, return_inverse=True)
        self._rarity, self._starts = lines.rarity, lines.starts
        self._whole = np.add.reduceat(self._rarity, self._starts)
        self._ends = np.append(self._starts[1:], len(lines.words))
        self._missing = np.ones(len(kinds), dtype=np.float32)

    def say(self, place: int, certainty: float) -> None:
        """A line is taken."""
        own = self._flat[self._starts[place] : self._ends[place]]
        self._missing[own] *= 1.0 - certainty

    def unsaid(self) -> np.ndarray:
        """float32 [C] in [0, 1]; 1 for a line without words."""
        left = np.add.reduceat(self._rarity * self._missing[self._flat], self._starts)
        share: np.ndarray = np.where(self._whole > 0, left / np.maximum(self._whole, 1e-6), 1.0)
        return share
