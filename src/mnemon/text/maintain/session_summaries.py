"""Session summaries: one extracted summary a session, remade when the session changes.

The summary units of MemGAS (Xu et al. 2025, https://arxiv.org/abs/2505.19549). How
ours differs: the sentences nearest to the middle of the session (`extract/centroid.py`) stand for
what an LLM would write, so nothing in it was not said; a session of more than a hundred turns is
summarised in parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mnemon import methods
from mnemon.cube import Edit
from mnemon.text.extract.centroid import Centroid
from mnemon.text.kinds import SUMMARY
from mnemon.text.maintain import _derived
from mnemon.text.maintain._conversations import conversations

__all__ = ["SessionSummaries"]


@dataclass(frozen=True)
class SessionSummaries:
    """Options: at most `turns` turns quoted; sessions of at least `least` turns, in parts of at
    most `part`."""

    turns: int = 5
    least: int = 2
    part: int = 100

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """An `add` for each session without a summary, a `retire` for each that is outdated."""
        wanted = []
        for talk in conversations(_derived.sources(memory, namespace, now), self.part):
            if len(talk) >= self.least:
                (draft,) = Centroid(self.turns).extract(talk)
                wanted.append(_derived.record(draft, SUMMARY, f"Summary. {draft.content}", talk))
        producer = methods.producer(self)
        yield from _derived.edits(memory, namespace, producer, (SUMMARY,), wanted)
