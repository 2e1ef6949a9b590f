"""Running summary: a line or two of everything so far, made of the digests and what came since.

HEMA's compact memory (Ahn 2025, https://arxiv.org/abs/2504.16754): one sentence, always in the
prompt, kept up as the talk goes on, and made of summaries rather than of all turns when there are
many. How ours differs: the lines of the digests and the latest turns that lie nearest to the middle
of them all, quoted, instead of a sentence that a model writes. Digests are made by the method
`digests`, which a program names before this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mnemon import methods
from mnemon.cube import Draft, Edit, MemCube, Span
from mnemon.text.extract._central import central
from mnemon.text.kinds import DIGEST, GIST
from mnemon.text.maintain import _derived
from mnemon.text.maintain._stretches import stretches

__all__ = ["RunningSummary"]


@dataclass(frozen=True)
class RunningSummary:
    """Options: at most `lines` lines, none that shares more than `overlap` of its words with one
    chosen before; of a memory of at least `least` turns."""

    lines: int = 2
    overlap: float = 0.6
    least: int = 10

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """An `add` and a `retire` when something changed since the last one."""
        turns = _derived.sources(memory, namespace, now)
        digests = [c for c in _derived.every(memory, namespace, (DIGEST,)) if _derived.made(c)]
        covered = {span.cube for digest in digests for span in digest.provenance.spans}
        since = [cube for cube in turns if cube.id not in covered]
        groups = stretches([*digests, *since], max(1, len(turns)))
        wanted = [self._summary(parts) for parts in groups if len(turns) >= self.least]
        yield from _derived.edits(memory, namespace, methods.producer(self), (GIST,), wanted)

    def _summary(self, parts: Sequence[MemCube]) -> Draft:
        lines = [line for part in parts for line in _lines(part)]
        chosen = central(lines, self.lines, self.overlap)
        draft = Draft(
            "",
            at=parts[-1].valid_from,
            spans=tuple(Span(part.id, part.version) for part in parts),
        )
        content = "\n".join(["So far.", *(lines[place] for place in chosen)])
        return _derived.record(draft, GIST, content, parts)


def _lines(part: MemCube) -> list[str]:
    if part.kind == DIGEST and _derived.made(part):
        return part.content.removeprefix("Digest. ").splitlines()
    said = " ".join(part.content.split())
    return [f"{part.speaker}: {said}" if part.speaker else said]
