"""The slot `text.select`: which of the lines that were found make the text under a token budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Lines:
    """What may be taken: C lines by place. Those that were found come first, best first; then turns
    beside them, which score 0.

    `scores` float32 [C] in [0, 1]; `costs` float32 [C] tokens of a line with its number and who
    says it; `headings` float32 [C] tokens of the heading of its day; `days` and `speakers` int32
    [C] codes; `before` and `after` int32 [C] the place of the turn beside it in the conversation,
    C where there is none here; `asks` bool [C] a question to someone else and nothing more; `bare`
    bool [C] a reply of so few words that it says nothing without the turn before; `words` int32 [W]
    ids of the content words of all lines one after the other, `starts` int [C] where those of each
    begin (one at least, maybe 0, which is no word), `rarity` float32 [W] of each word.
    """

    scores: np.ndarray
    costs: np.ndarray
    headings: np.ndarray
    days: np.ndarray
    speakers: np.ndarray
    before: np.ndarray
    after: np.ndarray
    asks: np.ndarray
    bare: np.ndarray
    words: np.ndarray
    starts: np.ndarray
    rarity: np.ndarray


class Room(Protocol):
    """A budget that is being filled. It counts exactly, so that what it took does fit."""

    @property
    def left(self) -> int:
        """Tokens."""
        ...

    def take(self, places: Sequence[int]) -> bool:
        """Take these lines, all or none; whether they fitted."""
        ...

    def clear(self) -> None:
        """Give back everything taken."""
        ...


class Select(Protocol):
    """One way to choose."""

    def select(self, lines: Lines, room: Room) -> None:
        """Take lines until nothing worth taking fits."""
        ...
