"""View: what a retrieval method is given. Arrays over the versions of a scope, N rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mnemon.store.edges import Edges
    from mnemon.store.index.ahead import Portion
    from mnemon.store.vectors import Vectors

NOBODY = -1


class Names:
    """Text as small integers: kinds, speakers and sessions of one scope."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []

    def add(self, text: str | None) -> int:
        """The code of a text, made on first sight; NOBODY for None."""
        if text is None:
            return NOBODY
        code = self._codes.setdefault(text, len(self._texts))
        if code == len(self._texts):
            self._texts.append(text)
        return code

    def code(self, text: str) -> int:
        """The code of a text; one that matches nothing if it was never seen."""
        return self._codes.get(text, -2)

    def text(self, code: int) -> str | None:
        """The inverse of `add`."""
        return None if code == NOBODY else self._texts[code]

    def texts(self) -> list[str]:
        """All texts, by code."""
        return list(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


@dataclass(frozen=True, slots=True)
class Whole:
    """The scope that a view is of, for reading its texts ahead.

    `rows` gives those of all current versions, int64 [M] ascending; `texts` reads contents by row;
    both from any thread. `go_on` has a portion read beside searches (`store.index.ahead`).
    """

    rows: Callable[[], np.ndarray]
    texts: Callable[[Sequence[int]], list[str]]
    go_on: Callable[[Portion], None]


@dataclass(frozen=True, slots=True)
class View:
    """One moment of a scope. Index i means the same version in every array; N of them.

    `rows` int64 [N] ascending; `eligible` bool [N] what may be returned; `before` and `after`
    int32 [N+1] the neighbour in the same conversation (N where there is none, and N's own is N);
    `speakers`, `sessions` and `kinds` int32 [N] codes of `names`; `valid_from` int64 [N]
    microseconds; `lengths` float32 [N] in terms; `asks` bool [N] whether it asks a question;
    `postings` term → (int32 [M] indices, float32 [M] occurrences); `embedded` the vectors of all in
    the embedding space named `space`, or None without one.

    The statistics are of the whole scope, of which a view may be a part: `population` cubes of
    `mean_length` terms, `frequency` term → cubes that hold it. `texts` reads contents by index.
    `regime`: "whole", all versions of the scope; "chosen", all that a filter leaves; "candidates",
    what an approximate index and the rarest terms found; "unindexed", the same while that index is
    being made, by comparing every vector. The last three with the turns around them.

    `now` is the moment of the search in microseconds (that of `as_of`, if asked). `edges` reads the
    links that touch some indices and have both ends in the view; `usage` reads int64 [len, 4] of
    indices: reads, microseconds of the last one (0: never), judged helpful, unhelpful. `whole` is
    what may be read ahead; None where that would not pay.
    """

    rows: np.ndarray
    eligible: np.ndarray
    before: np.ndarray
    after: np.ndarray
    speakers: np.ndarray
    names: Names
    valid_from: np.ndarray
    lengths: np.ndarray
    sessions: np.ndarray
    asks: np.ndarray
    postings: Mapping[str, tuple[np.ndarray, np.ndarray]]
    embedded: Vectors | None
    population: int
    mean_length: float
    frequency: Mapping[str, int]
    texts: Callable[[Sequence[int]], list[str]]
    kinds: np.ndarray
    now: int
    edges: Callable[[Sequence[int]], Edges]
    usage: Callable[[Sequence[int]], np.ndarray]
    space: str | None = None
    regime: str = "whole"
    whole: Whole | None = None

    @property
    def vectors(self) -> np.ndarray | None:
        """All of `embedded` as float32 [N, D]; made on first use, at four times the bytes."""
        return None if self.embedded is None else self.embedded.all()
