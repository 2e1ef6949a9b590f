"""Keywords: the words that some cubes say often and the language says rarely, no LLM.

Term frequency times inverse frequency, after Spärck Jones 1972, "A statistical interpretation of
term specificity and its application in retrieval", https://doi.org/10.1108/eb026526. How ours
differs: how rare a word is comes from the bundled word vectors, which carry the frequencies of
their own training text, so that a small memory needs no corpus; words of one stem count as one;
the names of those who speak are left out, for they stand in every conversation.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mnemon import analysis
from mnemon.cube import Draft, MemCube, Span

__all__ = ["Keywords"]


@dataclass(frozen=True)
class Keywords:
    """Option: at most `most` words."""

    most: int = 12

    def extract(self, cubes: Sequence[MemCube]) -> Sequence[Draft]:
        """One `keywords` draft of the cubes, the heaviest word first; none if they say no word."""
        counts: Counter[str] = Counter()
        shown: dict[str, str] = {}
        named = {word for cube in cubes for word in analysis.names(cube.speaker or "")}
        for word in (word for cube in cubes for word in analysis.names(cube.content)):
            if len(word) > 2 and not word.isdigit() and word not in analysis.STOPWORDS | named:
                stem = analysis.terms(word)[0]
                counts[stem] += 1
                shown.setdefault(stem, word)
        chosen = self._heaviest(counts, shown)
        if not chosen:
            return []
        return [
            Draft(
                ", ".join(chosen),
                kind="keywords",
                session=cubes[0].session,
                at=cubes[-1].valid_from,
                spans=tuple(Span(cube.id, cube.version) for cube in cubes),
            )
        ]

    def _heaviest(self, counts: Counter[str], shown: dict[str, str]) -> list[str]:
        from mnemon.text.lexicon import lexicon

        words = lexicon()
        weight = {
            stem: math.log1p(times)
            * float(words.weights(words.ids(shown[stem], frozenset())).sum())
            for stem, times in counts.items()
        }
        order = sorted(counts, key=lambda stem: (-weight[stem], stem))
        return [shown[stem] for stem in order[: self.most]]
