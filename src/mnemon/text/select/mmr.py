"""MMR: the best-ranked lines that are unlike those taken before.

Carbonell & Goldstein 1998, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
Producing Summaries", SIGIR, https://doi.org/10.1145/290941.291025: the next is the one of highest
λ · relevance - (1 - λ) · similarity to the most similar of those taken. How ours differs:
relevance is the score divided by the best one's; similarity is the cosine of the lines' words
weighted by rarity; and a line too long for what is left is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.text.select import Lines, Room

__all__ = ["MMR"]


@dataclass(frozen=True)
class MMR:
    """Option `relevance` is the paper's λ: 1 ranks by score alone."""

    relevance: float = 0.7

    def select(self, lines: Lines, room: Room) -> None:
        """Take lines in the order of their marginal relevance."""
        found = int(np.count_nonzero(lines.scores))
        if not found:
            return
        bags = _bags(lines, found)
        relevant = self.relevance * lines.scores[:found] / lines.scores[0]
        nearest = np.zeros(found, dtype=np.float32)
        left = np.ones(found, dtype=bool)
        while left.any() and room.left > 0:
            marginal = relevant - (1.0 - self.relevance) * nearest
            place = int(np.argmax(np.where(left, marginal, -np.inf)))
            left[place] = False
            if room.take([place]):
                nearest = np.maximum(nearest, bags @ bags[place])


def _bags(lines: Lines, found: int) -> np.ndarray:
    """float32 [found, words]: unit rows."""
    kinds, flat = np.unique(lines.words, return_inverse=True)
    owner = np.repeat(np.arange(len(lines.scores)), np.diff(lines.starts, append=len(flat)))
    bags = np.zeros((len(lines.scores), len(kinds)), dtype=np.float32)
    bags[owner, flat] = lines.rarity
    bags = bags[:found]
    sizes = np.sqrt(np.einsum("cw,cw->c", bags, bags))
    unit: np.ndarray = bags / np.maximum(sizes, 1e-6)[:, None]
    return unit
