"""Centroid: a summary made of the sentences nearest to the middle of the text, no LLM.

Radev et al. 2004, "Centroid-based summarization of multiple documents", Information Processing &
Management 40(6), https://doi.org/10.1016/j.ipm.2003.10.006. How ours differs: terms are weighted by
tf-idf over the cubes themselves instead of a background corpus, whole turns are chosen rather than
sentences, and a turn that repeats a chosen one is passed over.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mnemon import analysis
from mnemon.cube import Draft, MemCube, Span

__all__ = ["Centroid"]


@dataclass(frozen=True)
class Centroid:
    """Options: at most `most` turns; none that shares more than `overlap` of its terms with one
    chosen before."""

    most: int = 5
    overlap: float = 0.6

    def extract(self, cubes: Sequence[MemCube]) -> Sequence[Draft]:
        """One `summary` draft of the cubes, in their order; none for no cubes."""
        if not cubes:
            return []
        bags = [Counter(analysis.query_terms(cube.content)) for cube in cubes]
        spread = Counter(term for bag in bags for term in bag)
        weight = {term: n * math.log(1 + len(cubes) / n) for term, n in spread.items()}
        order = sorted(range(len(cubes)), key=lambda i: (-_score(bags[i], weight), i))
        chosen: list[int] = []
        for i in order:
            if len(chosen) < self.most and not self._repeats(bags[i], [bags[j] for j in chosen]):
                chosen.append(i)
        said = [_said(cubes[i]) for i in sorted(chosen)]
        return [
            Draft(
                "\n".join(said),
                kind="summary",
                session=cubes[0].session,
                at=cubes[-1].valid_from,
                spans=tuple(Span(cube.id, cube.version) for cube in cubes),
            )
        ]

    def _repeats(self, bag: Counter[str], chosen: Sequence[Counter[str]]) -> bool:
        size = max(1, len(bag))
        return any(len(bag.keys() & other.keys()) / size > self.overlap for other in chosen)


def _score(bag: Counter[str], weight: dict[str, float]) -> float:
    return sum(weight[term] for term in bag) / math.sqrt(len(bag) + 4)


def _said(cube: MemCube) -> str:
    text = " ".join(cube.content.split())
    return f"{cube.speaker}: {text}" if cube.speaker else text
