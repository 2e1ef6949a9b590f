"""Events: of each turn that tells something, the sentences that tell most, no LLM.

The summary level of HyMem (Zhao et al. 2026, https://arxiv.org/abs/2602.13933): short statements,
each linked to the raw text it stands for. How ours differs: there an LLM writes them; here one is
a sentence or two of the turn, with the name of who said it, chosen by the weight of their words in
the bundled word vectors. Questions and pleasantries give none.
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
    """Options: the `sentences` that tell most, at most; at most `most` characters of each: a longer
    one is cut at a word."""

    sentences: int = 2
    most: int = 300

    def extract(self, cubes: Sequence[MemCube]) -> Sequence[Draft]:
        """At most one `event` draft a cube; its spans say which characters it quotes."""
        named = frozenset(word for cube in cubes for word in analysis.names(cube.speaker or ""))
        return [draft for cube in cubes for draft in self._event(cube, named)]

    def _event(self, cube: MemCube, named: frozenset[str]) -> list[Draft]:
        spans = sentences(cube.content)
        weights = [telling(cube.content[start:end], named) for start, end in spans]
        order = sorted(range(len(spans)), key=lambda i: (-weights[i], i))
        chosen = sorted(i for i in order[: self.sentences] if weights[i] > 0)
        if not chosen:
            return []
        quoted = [self._cut(cube.content, *spans[i]) for i in chosen]
        said = " ".join(" ".join(cube.content[start:end].split()) for start, end in quoted)
        return [
            Draft(
                f"{cube.speaker}: {said}" if cube.speaker else said,
                kind=EVENT,
                at=cube.valid_from,
                spans=tuple(Span(cube.id, cube.version, start, end) for start, end in quoted),
            )
        ]

    def _cut(self, text: str, start: int, end: int) -> tuple[int, int]:
        if end - start <= self.most:
            return start, end
        cut = text.rfind(" ", start, start + self.most)
        return start, cut if cut > start else start + self.most
