"""Five folds by conversation: what is fitted is measured only on conversations it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mnemon.bench import learning
from mnemon.bench.learning import Labelled
from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

    from mnemon.text.rerank.listnet import Network

FOLDS = 5


def assign(groups: Sequence[Sequence[str]]) -> dict[str, int]:
    """Case → fold, each group of cases (a task's, in its order) spread over all folds."""
    return {case: number % FOLDS for group in groups for number, case in enumerate(group)}


def fit(
    lists: Mapping[str, Sequence[Labelled]],
    folds: Mapping[str, int],
    seeds: Sequence[int] = (0, 1, 2),
) -> dict[int, Network]:
    """Fold → the network fitted on the cases of all others; the mean of one for each seed.

    Cases without a fold are fitted on in every fold and measured in none.

    Raises:
        InvalidInput: in the other folds there is no candidate with evidence to learn from.
    """
    fitted = {}
    for fold in sorted(set(folds.values())):
        seen = [case for case in lists if folds.get(case) != fold]
        taught = [one for case in seen for one in lists[case]]
        if not any(one.holds.any() for one in taught):
            raise InvalidInput(
                f"nothing to fit on without fold {fold}: no candidate there holds evidence; "
                "ask more questions of more conversations"
            )
        fitted[fold] = learning.network(learning.fit_several(taught, seeds), taught, seen)
    return fitted


def held_out(
    lists: Mapping[str, Sequence[Labelled]],
    folds: Mapping[str, int],
    fitted: Mapping[int, Network],
) -> dict[str, list[np.ndarray]]:
    """Case → for each of its lists the scores float32 [C] by the network that never saw it."""
    return {
        case: [fitted[fold].scores(one.signals) for one in lists[case]]
        for case, fold in folds.items()
    }
