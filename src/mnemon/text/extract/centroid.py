"""Centroid: a summary made of the sentences nearest to the middle of the text, no LLM.

Radev et al. 2004, "Centroid-based summarization of multiple documents", Information Processing &
Management 40(6), https://doi.org/10.1016/j.ipm.2003.10.006. How ours differs: terms are weighted by
tf-idf over the cubes themselves instead of a background corpus, whole turns are chosen rather than
sentences, and a turn that repeats a chosen one is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.cube import Draft, MemCube, Span
from mnemon.text.extract._central import central

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
        chosen = central([cube.content for cube in cubes], self.most, self.overlap)
        return [
            Draft(
                "\n".join(_said(cubes[i]) for i in chosen),
                kind="summary",
                session=cubes[0].session,
                at=cubes[-1].valid_from,
                spans=tuple(Span(cube.id, cube.version) for cube in cubes),
            )
        ]


def _said(cube: MemCube) -> str:
    text = " ".join(cube.content.split())
    return f"{cube.speaker}: {text}" if cube.speaker else text
