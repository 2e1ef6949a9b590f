"""Events: of each turn that tells something, the sentence that tells most, no LLM.

The summary level of HyMem (Zhao et al. 2026, https://arxiv.org/abs/2602.13933): short statements,
each linked to the raw text it stands for. How ours differs: there an LLM writes them; here one is a
sentence of the turn, with the name of who said it, chosen by the rarity of its words in the bundled
word vectors. Questions and pleasantries give none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon import analysis
from mnemon.cube import Draft, MemCube, Span
from mnemon.text.extract._sentences import sentences
from mnemon.text.extract._telling import telling
from mnemon.text.kinds import EVENT

__all__ = ["Events"]


@dataclass(frozen=True)
class Events:
    """Option: at most `most` characters of a sentence; a longer one is cut at a word."""

    most: int = 300

    def extract(self, cubes: Sequence[MemCube]) -> Sequence[Draft]:
        """At most one `event` draft a cube; its span says which characters it quotes."""
        named = frozenset(word for cube in cubes for word in analysis.names(cube.speaker or ""))
        return [draft for cube in cubes for draft in self._event(cube, named)]

    def _event(self, cube: MemCube, named: frozenset[str]) -> list[Draft]:
        spans = sentences(cube.content)
        weights = [telling(cube.content[start:end], named) for start, end in spans]
        if not any(weights):
            return []
        start, end = spans[weights.index(max(weights))]
        if end - start > self.most:
            cut = cube.content.rfind(" ", start, start + self.most)
            end = cut if cut > start else start + self.most
        said = " ".join(cube.content[start:end].split())
        return [
            Draft(
                f"{cube.speaker}: {said}" if cube.speaker else said,
                kind=EVENT,
                at=cube.valid_from,
                spans=(Span(cube.id, cube.version, start, end),),
            )
        ]
