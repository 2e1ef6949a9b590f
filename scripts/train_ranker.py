"""Fits the ranker that the package ships, and the five that the bench uses to stay honest.

    MNEMON_DATA=<folder of locomo10.json> python scripts/train_ranker.py

LoCoMo (https://github.com/snap-research/locomo) is the only data: five folds by conversation, each
fold's network fitted on the other eight (`src/mnemon/bench/folds/locomo-<fold>.json`, what
`mnemon bench text` uses on those conversations), then one network on all ten
(`src/mnemon/text/rerank/listnet.json`, what everyone else gets). Probabilities are calibrated on
the folds' held-out scores. Prints held-out recall@10 of the candidates. Takes a few minutes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

from mnemon import Memory, methods
from mnemon.bench import learning
from mnemon.bench.case import Case
from mnemon.bench.learning import Labelled
from mnemon.store.rows import Filter
from mnemon.text import program as programs
from mnemon.text import signals

FOLDS = 5
DEPTH = 120
SOURCE = Path(__file__).parent.parent / "src" / "mnemon"


def main() -> None:
    folder = os.environ.get("MNEMON_DATA")
    if folder is None:
        sys.exit("set MNEMON_DATA to the folder of locomo10.json")
    cases = methods.load("bench.tasks", "locomo").read(Path(folder) / "locomo10.json")
    lists = {case.id: labelled(case) for case in cases}
    held_out: list[np.ndarray] = []
    holds: list[np.ndarray] = []
    recalls: list[float] = []
    for fold in range(FOLDS):
        unseen = [case.id for number, case in enumerate(cases) if number % FOLDS == fold]
        seen = [case.id for case in cases if case.id not in unseen]
        taught = [one for id in seen for one in lists[id]]
        network = learning.network(learning.fit_several(taught), taught, seen)
        scored = [(network.scores(one.signals), one.holds) for id in unseen for one in lists[id]]
        held_out += [scores for scores, _ in scored]
        holds += [marks for _, marks in scored]
        recalls += [_recall(scores, marks) for scores, marks in scored if marks.any()]
        write(SOURCE / "bench" / "folds" / f"locomo-{fold}.json", network)
    slope, offset = learning.calibrate(np.concatenate(held_out), np.concatenate(holds))
    for fold in range(FOLDS):
        recalibrate(SOURCE / "bench" / "folds" / f"locomo-{fold}.json", slope, offset)
    everything = [one for case in cases for one in lists[case.id]]
    network = learning.network(
        learning.fit_several(everything), everything, [case.id for case in cases], slope, offset
    )
    write(SOURCE / "text" / "rerank" / "listnet.json", network)
    print(f"held-out recall@10 of questions with a candidate: {np.mean(recalls):.4f}")
    print(f"calibration: slope {slope:.3f}, offset {offset:.3f}")


def labelled(case: Case) -> list[Labelled]:
    """The candidates of every question of a conversation, as a search would make them."""
    program = methods.load("text.programs", "default", rerank=None)
    with Memory(":memory:", program=program) as memory:
        ids = [turn.id for turn in case.turns]
        memory.add([turn.draft for turn in case.turns])
        found = []
        for question in case.questions:
            view, query = memory._searcher.look(question.text, Filter(memory.namespace))
            rankings, fused = programs.candidates(program, view, query)
            chosen = fused.indices[:DEPTH]
            told = signals.signals(view, query, rankings, chosen)
            found.append(Labelled(told, np.asarray([ids[i] in question.evidence for i in chosen])))
        return found


def _recall(scores: np.ndarray, holds: np.ndarray) -> float:
    return float(holds[np.argsort(-scores, kind="stable")[:10]].sum() / holds.sum())


def write(path: Path, network: learning.Network) -> None:
    """A network as JSON, rounded to what matters."""
    path.parent.mkdir(exist_ok=True)
    told = {
        "signals": signals.NAMES,
        "fitted_on": sorted(network.fitted_on),
        "slope": round(network.slope, 5),
        "offset": round(network.offset, 5),
        "mean": _rounded(network.mean),
        "scale": _rounded(network.scale),
        "layers": [[_rounded(weight), _rounded(bias)] for weight, bias in network.layers],
    }
    path.write_text(json.dumps(told, separators=(",", ":")) + "\n", encoding="utf-8")


def recalibrate(path: Path, slope: float, offset: float) -> None:
    """Give a fold's network the calibration of all held-out scores."""
    told = json.loads(path.read_text("utf-8"))
    told |= {"slope": round(slope, 5), "offset": round(offset, 5)}
    path.write_text(json.dumps(told, separators=(",", ":")) + "\n", encoding="utf-8")


def _rounded(values: np.ndarray) -> object:
    return np.round(values.astype(float), 5).tolist()


if __name__ == "__main__":
    main()
