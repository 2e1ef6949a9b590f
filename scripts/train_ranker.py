"""Fits the rankers that the package ships, and those that the bench uses to stay honest.

    MNEMON_DATA=<folder of locomo10.json> python scripts/train_ranker.py
    MNEMON_DATA=… python scripts/train_ranker.py --embedder minilm|mpnet --base <folder>
    MNEMON_DATA=… python scripts/train_ranker.py --embedder sentence-transformers --model <folder>

Data: LoCoMo (https://github.com/snap-research/locomo) and `training/conversations`. Five folds by
conversation, each fold's network fitted on the other folds (`src/mnemon/bench/folds/`, what
`mnemon bench text` uses on those conversations), then one network on all
(`src/mnemon/text/rerank/`, what everyone else gets). A conversation's signals come from the
embedder of its own fold (`scripts/tune_embedder.py`), which never saw its questions; the others'
do come from embedders that did. Probabilities are calibrated on the folds'
held-out scores, with questions among them that nothing answers: moved to another conversation, or
wrong about who did it (these twice: there are few). Prints
held-out recall. A quarter of an hour on one core; `--jobs` takes several.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from tune import lists
from tune.lists import HELD_OUT, Told, each

from mnemon.bench import fivefold, learning
from mnemon.text import signals
from mnemon.text.rerank import listnet
from mnemon.text.rerank._calibration import Calibration
from mnemon.text.rerank.listnet import Network


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    lists.add_arguments(parser)
    told = lists.told(parser.parse_args())

    def network_without(fold: int | None) -> Network:
        seen = [case for case in told.lists if told.folds[case] != fold]
        taught = [one for case in seen for one in told.lists[case]]
        return learning.network(learning.fit_several(taught), taught, seen)

    numbers = sorted(set(told.folds.values()))
    *fitted, full = each(network_without, [*numbers, None], told.jobs)
    networks = dict(zip(numbers, fitted, strict=True))
    calibration = write_folds(told, networks)
    write(listnet.file(told.kind), replace(full, calibration=calibration))
    print(calibration)


def write_folds(told: Told, fitted: dict[int, Network]) -> Calibration:
    """Write the folds' networks; what calibrates their held-out scores."""
    held_out = fivefold.held_out(told.lists, told.folds, fitted)
    never = fivefold.held_out(told.moved, told.folds, fitted)
    calibration = learning.calibrate(told.scored(held_out, never))
    for fold, network in fitted.items():
        write(
            HELD_OUT / f"listnet_{told.kind}-{fold}.json", replace(network, calibration=calibration)
        )
    told.report(held_out)
    return calibration


def write(path: Path, network: Network) -> None:
    """A network as JSON, rounded to what matters."""
    path.parent.mkdir(exist_ok=True)
    told = {
        "signals": signals.NAMES,
        "fitted_on": sorted(network.fitted_on),
        "calibration": asdict(network.calibration),
        "mean": _rounded(network.mean),
        "scale": _rounded(network.scale),
        "layers": [[_rounded(weight), _rounded(bias)] for weight, bias in network.layers],
    }
    path.write_text(json.dumps(told, separators=(",", ":")) + "\n", encoding="utf-8")


def _rounded(values: Sequence[float] | np.ndarray) -> object:
    return np.round(np.asarray(values, dtype=float), 5).tolist()


if __name__ == "__main__":
    main()
