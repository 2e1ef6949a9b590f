"""ListNet: a small learned ranker over the signals of a candidate.

Cao et al. 2007, "Learning to Rank: From Pairwise Approach to Listwise Approach", ICML,
https://doi.org/10.1145/1273496.1273513: cross-entropy between the top-one probabilities of the
list's scores and of its labels. How ours differs: two hidden layers of a few units; evidence
competes with what is none, not with other evidence (`bench/learning.py`); scores are
then made probabilities that a cube holds evidence (`_calibration.py`). There are weights for each
of our embedders, `listnet_<its name>.json`, and for sentence encoders that nobody tuned
(`listnet_encoder.json`, fitted with all-MiniLM-L6-v2); they say what they were fitted on,
`scripts/train_ranker.py` makes them.
Needs the channels `words`, `meaning` and `time`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np

from mnemon.blas import multiplied
from mnemon.errors import InvalidInput
from mnemon.store.view import View
from mnemon.text import signals
from mnemon.text.alphabet import latin
from mnemon.text.query import Query, Ranking
from mnemon.text.rerank._calibration import CONTEXT, Calibration, context

__all__ = ["ListNet"]

UNTUNED = "encoder"
"""The kind of vectors that nobody tuned."""
_OURS = re.compile(r"mnemon-([a-z0-9]+)-")  # how the names of our embedders' spaces begin
_CONTEXT = [signals.NAMES.index(name) for name in CONTEXT]


@dataclass(frozen=True)
class ListNet:
    """Options: a file of `weights` (None: the bundled ones for the embedding space); the best
    `depth` cubes are reranked, the others follow in their order."""

    weights: str | None = None
    depth: int = 150

    def rerank(
        self, view: View, query: Query, rankings: Mapping[str, Ranking], fused: Ranking
    ) -> Ranking:
        """The cubes of `fused`, by the probability that they hold what is asked."""
        candidates = fused.indices[: self.depth]
        if not len(candidates):
            return fused
        network = chosen(self.weights, view.space)
        told = signals.signals(view, query, rankings, candidates)
        return reranked("listnet", query, fused, candidates, network.chances(told))


def reranked(
    name: str, query: Query, fused: Ranking, candidates: np.ndarray, chances: np.ndarray
) -> Ranking:
    """The first of `fused`, `candidates` [C], by their chances [C]; the rest behind, as it was.

    For a question in other letters than Latin ones the chances only say how good the best are:
    nothing was fitted on such, and the order of `fused` is better.
    """
    order, depth = np.argsort(-chances, kind="stable"), len(candidates)
    rest = fused.scores[depth:] * chances.min() / max(float(fused.scores[0]), 1e-6)
    first = candidates[order] if latin(query.text) else candidates
    return Ranking(
        name,
        np.concatenate([first, fused.indices[depth:]]),
        np.concatenate([chances[order], rest]).astype(np.float32),
    )


def chosen(weights: str | None, space: str | None) -> Network:
    """The network of a weights file; None is the bundled one for vectors of a space."""
    return load(Path(weights) if weights else bundled(space))


@cache
def kind(space: str | None) -> str:
    """Which of `kinds` the vectors of a space are; None is `static`."""
    told = _OURS.match(space or "mnemon-static-")
    found = told[1] if told else UNTUNED
    return found if file(found).exists() else UNTUNED


def kinds() -> list[str]:
    """Kinds of vectors that weights were fitted on: our embedders by name, and `UNTUNED`."""
    found = Path(__file__).parent.glob("listnet_*.json")
    return sorted(path.stem.partition("_")[2] for path in found)


def file(kind: str) -> Path:
    """The file of the weights fitted on a kind of vectors."""
    return Path(__file__).with_name(f"listnet_{kind}.json")


def bundled(space: str | None) -> Path:
    """That for the vectors of a space."""
    return file(kind(space))


@dataclass(frozen=True)
class Network:
    """Standardised signals float32 [C, S] → ReLU layers → a score → a probability."""

    mean: np.ndarray
    scale: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    calibration: Calibration
    fitted_on: frozenset[str]

    def scores(self, told: np.ndarray) -> np.ndarray:
        """Raw scores float32 [C] for signals [C, S]."""
        values = self.standardised(told)
        *hidden, (weight, bias) = self.layers
        for inner, shift in hidden:
            values = multiplied(values, inner)
            values += shift
            np.maximum(values, 0.0, out=values)
        result: np.ndarray = (multiplied(values, weight) + bias)[:, 0]
        return result

    def standardised(self, told: np.ndarray) -> np.ndarray:
        """Signals [C, S] as the layers take them."""
        found: np.ndarray = np.clip((told - self.mean) / self.scale, -4.0, 4.0)
        return found

    @cached_property
    def digest(self) -> str:
        """Names the weights, whatever their calibration."""
        parts = [self.mean, self.scale, *(part for layer in self.layers for part in layer)]
        told = b"".join(np.ascontiguousarray(part, dtype="<f4").tobytes() for part in parts)
        return sha256(told).hexdigest()[:16]

    def chances(self, told: np.ndarray) -> np.ndarray:
        """Probabilities float32 [C] that a candidate answers, for one list's signals."""
        scores = self.scores(told)
        return self.calibration.chances(scores, context(scores, told[:, _CONTEXT]))


@cache
def load(path: Path) -> Network:
    """The network in a weights file, read once per process.

    Raises:
        InvalidInput: it was made for other signals than these.
    """
    told = json.loads(path.read_text("utf-8"))
    if tuple(told["signals"]) != signals.NAMES:
        raise InvalidInput(
            f"{path} was fitted on other signals: make it again with scripts/train_ranker.py"
        )
    return Network(
        mean=np.asarray(told["mean"], np.float32),
        scale=np.asarray(told["scale"], np.float32),
        layers=tuple(
            (np.asarray(weight, np.float32), np.asarray(bias, np.float32))
            for weight, bias in told["layers"]
        ),
        calibration=Calibration(**told["calibration"]),
        fitted_on=frozenset(told["fitted_on"]),
    )
