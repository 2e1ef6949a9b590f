"""Digests: an extracted summary of every hundred turns, whatever the session.

The lower level of HEMA's summary of summaries (Ahn 2025, https://arxiv.org/abs/2504.16754): old
summaries are condensed every so many turns instead of being rewritten with each. How ours differs:
the turns nearest to the middle of the stretch (`extract/centroid.py`) instead of a model's words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mnemon import methods
from mnemon.cube import Edit
from mnemon.text.extract.centroid import Centroid
from mnemon.text.kinds import DIGEST
from mnemon.text.maintain import _derived
from mnemon.text.maintain._stretches import stretches

__all__ = ["Digests"]


@dataclass(frozen=True)
class Digests:
    """Options: a digest of each `every` turns (the paper's 100), quoting at most `turns`."""

    every: int = 100
    turns: int = 5

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """An `add` for each full stretch without a digest, a `retire` for each outdated one."""
        wanted = []
        for stretch in stretches(_derived.sources(memory, namespace, now), self.every):
            if len(stretch) == self.every:
                (draft,) = Centroid(self.turns).extract(stretch)
                wanted.append(_derived.record(draft, DIGEST, f"Digest. {draft.content}", stretch))
        yield from _derived.edits(memory, namespace, methods.producer(self), (DIGEST,), wanted)
