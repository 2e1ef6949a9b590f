"""Fitting the bundled ranker on lists of signals, in numpy, deterministic under a seed.

ListNet's softmax (see `text/rerank/listnet.py`), but where several candidates hold evidence each of
them competes with those that hold none, not with the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from mnemon.text.rerank._calibration import Calibration
    from mnemon.text.rerank._relations import Standing
    from mnemon.text.rerank.listnet import Network

UNITS = (64, 32)
DROPPED = (0.1, 0.3, 0.0)
"""Shares of inputs, of first and of second hidden units that a step leaves out."""


@dataclass(frozen=True)
class Labelled:
    """The candidates of one question: signals float32 [C, S], which hold evidence bool [C], and, if
    it was asked for, how they stand to each other."""

    signals: np.ndarray
    holds: np.ndarray
    standing: Standing | None = None


def fit(
    lists: Sequence[Labelled],
    *,
    seed: int = 0,
    rounds: int = 25,
    rate: float = 4e-3,
    decay: float = 0.02,
    batch: int = 64,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Layers (weight [I, O], bias [O]) over standardised signals; see `standard`.

    AdamW (Loshchilov & Hutter 2019) with a linear decay of the rate; lists without evidence teach
    nothing and are left out.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    mean, scale = standard(lists)
    taught = [one for one in lists if one.holds.any()]
    inputs = [np.clip((one.signals - mean) / scale, -4.0, 4.0) for one in taught]
    layers = _initial(random, inputs[0].shape[1])
    state: list[Any] = [[(0.0, 0.0), (0.0, 0.0)] for _ in layers]
    steps = rounds * -(-len(taught) // batch)
    step = 0
    for _ in range(rounds):
        order = random.permutation(len(taught))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            gradients = _gradients(
                layers, [inputs[i] for i in chosen], [taught[i].holds for i in chosen], random
            )
            step += 1
            _descend(layers, gradients, state, step, rate * (1.0 - step / (steps + 1)), decay)
    return [(weight, bias) for weight, bias in layers]


def standard(lists: Sequence[Labelled]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every signal over all candidates."""
    import numpy as np

    everything = np.concatenate([one.signals for one in lists])
    return everything.mean(axis=0), everything.std(axis=0) + 1e-4


def _initial(random: Any, width: int) -> list[list[np.ndarray]]:
    import numpy as np

    sizes = [width, *UNITS, 1]
    return [
        [
            random.normal(0.0, (2.0 / before) ** 0.5, (before, after)).astype(np.float32),
            np.zeros(after, np.float32),
        ]
        for before, after in pairwise(sizes)
    ]


def _gradients(
    layers: list[list[np.ndarray]],
    inputs: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    random: Any,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of the mean loss of some lists, with dropout."""
    import numpy as np

    values = [np.concatenate(inputs)]
    masks = []
    for number, (weight, bias) in enumerate(layers):
        share = DROPPED[number]
        mask = (random.random(values[-1].shape) >= share).astype(np.float32) / (1.0 - share)
        masks.append(mask)
        values[-1] = values[-1] * mask
        out = values[-1] @ weight + bias
        values.append(np.maximum(out, 0.0) if number < len(layers) - 1 else out)
    error = _list_errors(values[-1][:, 0], labels)[:, None]
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for number in range(len(layers) - 1, -1, -1):
        found.append((values[number].T @ error, error.sum(axis=0)))
        if number:
            active = (values[number] > 0).astype(np.float32)
            error = (error @ layers[number][0].T) * masks[number] * active
    return found[::-1]


def _list_errors(scores: np.ndarray, labels: Sequence[np.ndarray]) -> np.ndarray:
    """Derivative by each score of the mean over lists, and over what holds evidence in each, of
    log(1 + sum(exp(the others)) / exp(its own))."""
    import numpy as np

    errors = np.zeros_like(scores)
    start = 0
    for holds in labels:
        end = start + len(holds)
        own, others = scores[start:end][holds], scores[start:end][~holds]
        if len(others):
            raised = np.exp(others - others.max())
            ahead = np.minimum(own - others.max(), 30.0)
            lost = 1.0 / (1.0 + np.exp(ahead) / raised.sum()) / holds.sum()
            errors[start:end][holds] = -lost / len(labels)
            errors[start:end][~holds] = lost.sum() * raised / raised.sum() / len(labels)
        start = end
    return errors


def _descend(
    layers: list[list[np.ndarray]],
    gradients: Sequence[tuple[np.ndarray, np.ndarray]],
    state: list[Any],
    step: int,
    rate: float,
    decay: float,
) -> None:
    import numpy as np

    for number, pair in enumerate(gradients):
        for part, gradient in enumerate(pair):
            first, second = state[number][part]
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            state[number][part] = (first, second)
            move = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
            shrink = decay * layers[number][part] if part == 0 else 0.0
            layers[number][part] = (layers[number][part] - rate * (move + shrink)).astype(
                np.float32
            )


def fit_several(
    lists: Sequence[Labelled], seeds: Sequence[int] = (0, 1, 2)
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The mean of several networks' scores as one wider network: steadier than any of them."""
    import numpy as np

    fitted = [fit(lists, seed=seed) for seed in seeds]
    (first, first_bias), (second, second_bias), (last, last_bias) = (
        ([one[layer][0] for one in fitted], [one[layer][1] for one in fitted]) for layer in range(3)
    )
    middle = np.zeros((sum(len(w) for w in second), sum(w.shape[1] for w in second)), np.float32)
    row = column = 0
    for weight in second:
        middle[row : row + len(weight), column : column + weight.shape[1]] = weight
        row, column = row + len(weight), column + weight.shape[1]
    return [
        (np.concatenate(first, axis=1), np.concatenate(first_bias)),
        (middle, np.concatenate(second_bias)),
        (np.concatenate(last) / len(seeds), np.sum(last_bias, axis=0) / len(seeds)),
    ]


TOP = 10
"""Of each list so many are calibrated on: those that people see."""


@dataclass(frozen=True)
class Scored:
    """A list as a ranker scores it: scores [C], its `context`, which candidates answer bool [C]."""

    scores: np.ndarray
    context: np.ndarray
    holds: np.ndarray


def calibrate(lists: Sequence[Scored]) -> Calibration:
    """The curve from scores to probabilities.

    Logistic regression on the best `TOP` of each list, by Newton's method; its background is the
    lower quartile of the lists' competition.
    """
    import numpy as np

    from mnemon.text.rerank._calibration import Calibration, competition

    background = float(np.quantile([competition(one.scores) for one in lists], 0.25))
    inputs, holds = [], []
    for one in lists:
        best = np.argsort(-one.scores, kind="stable")[:TOP]
        shared = [competition(one.scores, background), 1.0, *one.context]
        inputs.append(np.column_stack([one.scores[best], np.tile(shared, (len(best), 1))]))
        holds.append(one.holds[best])
    found = _logistic(np.concatenate(inputs).astype(np.float64), np.concatenate(holds))
    slope, rivals, offset, *weights = (round(float(one), 5) for one in found)
    return Calibration(slope, rivals, offset, round(background, 5), tuple(weights))


def _logistic(inputs: np.ndarray, holds: np.ndarray) -> np.ndarray:
    """Coefficients [I] for inputs [N, I], with a little decay."""
    import numpy as np

    found = np.zeros(inputs.shape[1])
    decay = 1e-2 * np.eye(len(found))
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(inputs @ found, -30.0, 30.0)))
        weight = chance * (1.0 - chance) + 1e-9
        gradient = inputs.T @ (chance - holds) + decay @ found
        change = np.linalg.solve((inputs * weight[:, None]).T @ inputs + decay, gradient)
        found = found - change
        if np.abs(change).max() < 1e-6:
            break
    return found


def network(
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    lists: Sequence[Labelled],
    fitted_on: Sequence[str],
    calibration: Calibration | None = None,
) -> Network:
    """The fitted layers with the standardisation of their lists."""
    import numpy as np

    from mnemon.text.rerank._calibration import Calibration
    from mnemon.text.rerank.listnet import Network

    mean, scale = standard(lists)
    return Network(
        mean.astype(np.float32), scale.astype(np.float32), tuple(layers),
        calibration or Calibration(), frozenset(fitted_on),
    )  # fmt: skip
