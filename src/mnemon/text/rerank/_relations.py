"""Relations: how the candidates of one list stand to each other, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnemon.blas import multiplied

if TYPE_CHECKING:
    from mnemon.store.view import View

NAMES = ("alike", "same_session", "next", "previous", "same_speaker", "itself")


@dataclass(frozen=True, slots=True)
class Standing:
    """What relations are made of: `vectors` float32 [C, D] (None without an embedder), and int [C]:
    `own` indices of the candidates, those `before` and `after` them, codes of `sessions` and
    `speakers`."""

    vectors: np.ndarray | None
    own: np.ndarray
    before: np.ndarray
    after: np.ndarray
    sessions: np.ndarray
    speakers: np.ndarray

    @classmethod
    def of(cls, view: View, candidates: np.ndarray) -> Standing:
        """Of candidates int [C] in a view."""
        return cls(
            None if view.embedded is None else view.embedded.rows(candidates),
            candidates,
            view.before.take(candidates),
            view.after.take(candidates),
            view.sessions.take(candidates),
            view.speakers.take(candidates),
        )

    def some(self, places: np.ndarray) -> Standing:
        """Of those at places int [B] only."""
        vectors = None if self.vectors is None else self.vectors[places]
        others = (self.own, self.before, self.after, self.sessions, self.speakers)
        return Standing(vectors, *(one[places] for one in others))


def relations(standing: Standing) -> np.ndarray:
    """float32 [C, C, len(NAMES)]: of each candidate to each, in that order."""
    own, sessions, speakers = standing.own, standing.sessions, standing.speakers
    found = np.zeros((len(own), len(own), len(NAMES)), dtype=np.float32)
    if standing.vectors is not None:
        found[..., 0] = multiplied(standing.vectors, np.ascontiguousarray(standing.vectors.T))
    found[..., 1] = (sessions[:, None] == sessions) & (sessions >= 0)
    found[..., 2] = standing.after[:, None] == own
    found[..., 3] = standing.before[:, None] == own
    found[..., 4] = speakers[:, None] == speakers
    found[..., 5] = own[:, None] == own
    return found
