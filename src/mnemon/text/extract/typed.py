"""Typed: the sentences of a turn as episodic, semantic and procedural records, by rule, no LLM.

The router of ENGRAM (Patel & Patel 2025, https://arxiv.org/abs/2511.12960): each turn gives a
record for each of the three types it has something of. How ours differs: there an LLM decides and
writes the records; here patterns of English decide, sentence by sentence, and a record is those
sentences as they were said. A sentence that no pattern knows goes with the others of its turn; a
turn that none knows is episodic, as anything said is at least something that happened.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.cube import Draft, MemCube, Span
from mnemon.text.extract._sentences import sentences
from mnemon.text.kinds import EPISODIC, PROCEDURAL, SEMANTIC, TYPES

__all__ = ["Typed"]

_PATTERNS = {
    PROCEDURAL: (
        r"\bhow to\b|\bsteps?\b|\bfirst(?:ly)?,|\bthen you\b|\bmake sure\b|\bremember to\b"
        r"|\bdon't forget to\b|\byou (?:should|need to|have to|must|can)\b|\binstructions?\b"
        r"|\brecipe\b|\btips?\b|\b(?:whenever|every time|if) (?:you|i|we)\b|\broutine\b"
        r"|^(?:please|always|never|try|use|mix|add|put|take|turn|open|click|start by)\b"
    ),
    EPISODIC: (
        r"\b(?:yesterday|today|tonight|tomorrow|ago|last|next|this (?:morning|week|weekend|month"
        r"|year)|the other day|recently|just|once|monday|tuesday|wednesday|thursday|friday|saturday"
        r"|sunday|january|february|march|april|june|july|august|september|october|november"
        r"|december|(?:19|20)\d\d)\b"
        r"|\b(?:was|were|had|did|went|got|came|saw|met|made|took|bought|found|gave|told|said|felt"
        r"|left|won|lost|began|ran|read|wrote|spent|heard|kept|led|\w{3,}ed)\b"
        r"|\b(?:going to|gonna|will|planning)\b"
    ),
    SEMANTIC: (
        r"\b(?:i|we|he|she|they|it|you|who|that|my \w+|our \w+|his \w+|her \w+)"
        r"(?: (?:am|is|are|have|has|own|live|work|study|teach|speak|love|like|prefer|hate|enjoy"
        r"|want|need|believe|think|know)s?\b|['’](?:m|s|re|ve)\b)"
        r"|\bfavou?rite\b|\b(?:always|usually|often|never)\b|\b(?:is|are) (?:a|an|the|my|our)\b"
        r"|\b(?:allergic|born|named|called|married|single)\b|\bmy (?:name|job|birthday|goal)\b"
    ),
}  # fmt: skip
_TYPE = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}


@dataclass(frozen=True)
class Typed:
    """No options."""

    def extract(self, cubes: Sequence[MemCube]) -> Sequence[Draft]:
        """One to three drafts a cube, of kinds `episodic`, `semantic` and `procedural`; their spans
        say which characters they quote."""
        return [draft for cube in cubes for draft in _records(cube)]


def types(sentence: str) -> tuple[str, ...]:
    """The types a sentence is of, in the order of `kinds.TYPES`; none if no pattern knows it."""
    return tuple(name for name in TYPES if _TYPE[name].search(sentence))


def _records(cube: MemCube) -> list[Draft]:
    spans = sentences(cube.content)
    known = [types(cube.content[start:end]) for start, end in spans]
    found = [name for name in TYPES if any(name in one for one in known)] or [EPISODIC]
    drafts = []
    for name in found:
        chosen = [span for span, one in zip(spans, known, strict=True) if name in one or not one]
        said = " ".join(" ".join(cube.content[start:end].split()) for start, end in chosen)
        drafts.append(
            Draft(
                f"{cube.speaker}: {said}" if cube.speaker else said,
                kind=name,
                at=cube.valid_from,
                spans=tuple(Span(cube.id, cube.version, start, end) for start, end in chosen),
            )
        )
    return drafts
