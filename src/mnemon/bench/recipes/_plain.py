"""What the plain rivals share: lines of text, and filling a token budget best first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mnemon.bench.case import Turn, line
from mnemon.models.embed.static import StaticEmbedder

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Plain:
    """A system that orders turns; under a budget it returns the first in that order that fit.

    A turn too long for what is left is passed over, as in Mnemon's own `recall`.

    Attributes:
        costs: turn id → tokens of its line `Speaker: content` (no number, no date: less than
            Mnemon pays for the same turn).
        order: (question, k) → ids, best first.
        finish: called by `close`.
    """

    costs: dict[str, int]
    order: Callable[[str, int], list[str]]
    finish: Callable[[], object] = lambda: None

    def rank(self, question: str, k: int) -> list[str]:
        return self.order(question, k)

    def within(self, question: str, tokens: int) -> list[str]:
        return fill(self.order(question, len(self.costs)), self.costs, tokens)

    def close(self) -> None:
        self.finish()


@dataclass(frozen=True)
class Scored(Plain):
    """A plain system that tells its best hit's score, in its own unit; see `Confident`."""

    top: Callable[[str], float] = field(kw_only=True)

    def confidence(self, question: str) -> float:
        return self.top(question)


def costs(turns: Sequence[Turn]) -> dict[str, int]:
    """Turn id → tokens of its line."""
    counts = StaticEmbedder().count_tokens([line(turn) for turn in turns])
    return dict(zip((turn.id for turn in turns), counts, strict=True))


def fill(ids: Sequence[str], costs: dict[str, int], budget: int) -> list[str]:
    """The first of `ids` that fit into `budget` tokens together, in their order."""
    chosen = []
    for id in ids:
        if costs[id] <= budget:
            chosen.append(id)
            budget -= costs[id]
    return chosen


def any_word(question: str) -> str:
    """An FTS5 query: any of the question's words, each quoted so that none is an operator."""
    return " OR ".join(f'"{word}"' for word in dict.fromkeys(_WORD.findall(question.lower())))
