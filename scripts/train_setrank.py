"""Fits what looks at the ranker's best together, and those the bench stays honest by.

    MNEMON_DATA=<folder of locomo10.json> python scripts/train_setrank.py
    MNEMON_DATA=… python scripts/train_setrank.py --embedder minilm|mpnet --base <folder>

Data and folds as of `scripts/train_ranker.py`, which comes first: each fold's networks are fitted
beside the ranker of that fold, on the other folds (`src/mnemon/bench/folds/`), then those that
everyone gets beside the ranker that everyone gets (`src/mnemon/text/rerank/`). Calibrated as the
ranker is. Prints held-out recall. `--device cuda` where there is one; the lists themselves are
made on the CPU, and `--jobs` takes several.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tune import lists, together
from tune.lists import HELD_OUT, Told
from tune.together import Best

from mnemon.bench import learning
from mnemon.bench.learning import Labelled
from mnemon.text.rerank import _relations as relations
from mnemon.text.rerank import listnet, setrank
from mnemon.text.rerank._attending import Attending
from mnemon.text.rerank._calibration import Calibration
from mnemon.text.rerank._relations import Standing
from mnemon.text.rerank.listnet import Network
from mnemon.text.rerank.setrank import SetRank

ROUNDS, SEEDS = 18, (0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    lists.add_arguments(parser)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    told = lists.told(options, standing=True)
    fitted = {
        fold: without(told, fold, options.device)
        for fold in [*sorted(set(told.folds.values())), None]
    }
    write(told, fitted)


def without(told: Told, fold: int | None, device: str) -> Attending:
    """Fitted on all folds but one, beside the ranker that was."""
    network = ranker(told.kind, fold)
    seen = [case for case in told.lists if told.folds[case] != fold]
    taught = [best(network, one) for case in seen for one in told.lists[case] if one.holds.any()]
    weights = together.taught(taught, ROUNDS, SEEDS, device)
    print(f"{'all' if fold is None else f'fold {fold}'}: fitted on {len(taught)} lists", flush=True)
    return Attending(weights, network.digest, Calibration(), frozenset(seen))


def ranker(kind: str, fold: int | None) -> Network:
    """The ranker's weights of a fold; None is what everyone gets."""
    path = listnet.file(kind) if fold is None else HELD_OUT / f"listnet_{kind}-{fold}.json"
    return listnet.load(path)


def best(network: Network, one: Labelled) -> Best:
    """What is looked at together of a list."""
    first = network.scores(one.signals)
    places = np.argsort(-first, kind="stable")[: SetRank.together]
    return Best(
        network.standardised(one.signals[places]),
        first[places],
        relations.relations(standing(one, places)).astype(np.float16),
        one.holds[places],
    )


def standing(one: Labelled, places: np.ndarray) -> Standing:
    assert one.standing is not None
    return one.standing.some(places)


def write(told: Told, fitted: dict[int | None, Attending]) -> None:
    """Calibrate on held-out scores, and write all."""
    held_out, never = scores(told, told.lists, fitted), scores(told, told.moved, fitted)
    calibration = learning.calibrate(told.scored(held_out, never))
    for fold, one in fitted.items():
        of_fold = HELD_OUT / f"setrank_{told.kind}-{fold}.npz"
        path: Path = setrank.file(told.kind) if fold is None else of_fold
        replace(one, calibration=calibration).write(path)
    told.report(held_out)
    print(calibration)


def scores(
    told: Told, of: dict[str, list[Labelled]], fitted: dict[int | None, Attending]
) -> dict[str, list[np.ndarray]]:
    """Case → for each of its lists the scores float32 [C] by what never saw it."""
    return {case: _scores(told, one, told.folds[case], fitted) for case, one in of.items()}


def _scores(
    told: Told, of: Sequence[Labelled], fold: int, fitted: dict[int | None, Attending]
) -> list[np.ndarray]:
    network, found = ranker(told.kind, fold), []
    for one in of:
        first = network.scores(one.signals)
        places = np.argsort(-first, kind="stable")[: SetRank.together]
        inputs = network.standardised(one.signals[places])
        stand = standing(one, places)
        found.append(setrank.together(fitted[fold], inputs, first, places, stand))
    return found


if __name__ == "__main__":
    main()
