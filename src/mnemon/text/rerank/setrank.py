"""SetRank: what the learned ranker puts first is looked at together, and put right.

Pang et al. 2020, "SetRank: Learning a Permutation-Invariant Ranking Model for Information
Retrieval", SIGIR, https://arxiv.org/abs/1912.05891: candidates attend to each other, so that what
one is worth depends on the others. How ours differs: it adds to the scores of the learned ranker
(`listnet.py`) for the best of its list; what attends knows how two turns stand to each other
(`_relations.py`: alike, in one session, one after the other, by one speaker); two networks of two
layers from different starts are one; scores are made probabilities as the ranker's are
(`_calibration.py`). There are weights beside the ranker's for each of our embedders,
`setrank_<its name>.npz` (`scripts/train_setrank.py`); vectors of another encoder are ranked by
ListNet alone. Needs the channels `words`, `meaning` and `time`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from mnemon.errors import InvalidInput
from mnemon.store.view import View
from mnemon.text import signals
from mnemon.text.query import Query, Ranking
from mnemon.text.rerank import _attending, listnet
from mnemon.text.rerank._attending import Attending
from mnemon.text.rerank._calibration import CONTEXT, context
from mnemon.text.rerank._relations import Standing, relations

__all__ = ["SetRank"]

_APART = 0.01  # so that rounding mixes none of the others among the best
_CONTEXT = [signals.NAMES.index(name) for name in CONTEXT]


@dataclass(frozen=True)
class SetRank:
    """Options.

    Attributes:
        weights: a file of `scripts/train_setrank.py`; None is the bundled one for the embedding
            space.
        first: the learned ranker's option `weights`; without networks beside it, it ranks alone.
        depth: so many cubes the learned ranker scores; the others follow in their order.
        together: so many of its best are looked at together; the others follow in its order. A
            list that has fewer is the learned ranker's alone: on such none was fitted. So is every
            list with 0.
    """

    weights: str | None = None
    first: str | None = None
    depth: int = 150
    together: int = 50

    def rerank(
        self, view: View, query: Query, rankings: Mapping[str, Ranking], fused: Ranking
    ) -> Ranking:
        """The cubes of `fused`, by the probability that they hold what is asked.

        Raises:
            InvalidInput: `weights` were not fitted beside the learned ranker's.
        """
        fitted = self._fitted(view.space)
        if fitted is None or not 0 < self.together <= len(fused.indices):
            return listnet.ListNet(self.first, self.depth).rerank(view, query, rankings, fused)
        candidates = fused.indices[: self.depth]
        network = listnet.chosen(self.first, view.space)
        attending = beside(network, fitted)
        told = signals.signals(view, query, rankings, candidates)
        first = network.scores(told)
        best = np.argsort(-first, kind="stable")[: self.together]
        standing = Standing.of(view, candidates[best])
        scores = together(attending, network.standardised(told[best]), first, best, standing)
        around = context(scores, told[:, _CONTEXT])
        chances = attending.calibration.chances(scores, around)
        return listnet.reranked("setrank", query, fused, candidates, chances)

    def _fitted(self, space: str | None) -> Path | None:
        if self.weights is not None:
            return Path(self.weights)
        return bundled(listnet.kind(space)) if self.first is None else None


def file(kind: str) -> Path:
    """The file of the weights beside the ranker's for a kind of vectors (`listnet.kinds`)."""
    return Path(__file__).with_name(f"setrank_{kind}.npz")


@cache
def bundled(kind: str) -> Path | None:
    """The same; None if there is none."""
    return file(kind) if file(kind).exists() else None


def beside(network: listnet.Network, path: Path) -> Attending:
    """The networks of a file, if they were fitted beside that ranker.

    Raises:
        InvalidInput: they were fitted beside another one.
    """
    found = _attending.load(path)
    if found.beside != network.digest:
        raise InvalidInput(
            f"{path} was fitted beside other weights of the learned ranker: make it again with "
            "scripts/train_setrank.py"
        )
    return found


def together(
    attending: Attending,
    told: np.ndarray,
    first: np.ndarray,
    best: np.ndarray,
    standing: Standing,
) -> np.ndarray:
    """Scores float32 [C] of a list: the ranker's `first` ones, those of its `best` [B] put right,
    given their standardised signals [B, S]; the others stay behind them."""
    found = first.copy()
    found[best] += attending.shifts(told, first[best], relations(standing))
    behind = np.ones(len(first), dtype=bool)
    behind[best] = False
    if behind.any():
        found[behind] -= max(0.0, float(found[behind].max() - found[best].min()) + _APART)
    return found
