"""Session keywords: one list of keywords a session, remade when the session changes.

The keyword units of MemGAS (Xu et al. 2025, https://arxiv.org/abs/2505.19549). How
ours differs: words by frequency and rarity (`extract/keywords.py`) instead of an LLM's; a session
of more than a hundred turns has a list for each part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mnemon import methods
from mnemon.cube import Edit
from mnemon.text.extract.keywords import Keywords
from mnemon.text.kinds import KEYWORDS
from mnemon.text.maintain import _derived
from mnemon.text.maintain._conversations import conversations

__all__ = ["SessionKeywords"]


@dataclass(frozen=True)
class SessionKeywords:
    """Options: at most `words` words; sessions of at least `least` turns, in parts of at most
    `part`."""

    words: int = 12
    least: int = 2
    part: int = 100

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """An `add` for each session without keywords, a `retire` for each list that is outdated."""
        wanted = []
        for talk in conversations(_derived.sources(memory, namespace, now), self.part):
            if len(talk) >= self.least:
                for draft in Keywords(self.words).extract(talk):
                    content = f"Keywords: {draft.content}"
                    wanted.append(_derived.record(draft, KEYWORDS, content, talk))
        producer = methods.producer(self)
        yield from _derived.edits(memory, namespace, producer, (KEYWORDS,), wanted)
