"""A small network in which the candidates of one list look at each other: what each one's score
gains or loses beside the others. Several of them, fitted from different starts, are one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from mnemon.blas import multiplied
from mnemon.errors import InvalidInput
from mnemon.text import signals
from mnemon.text.rerank import _relations as relations
from mnemon.text.rerank._calibration import Calibration

HEADS = 4
_TOLD = "told"
"""Of a file: what is no weight, as JSON."""


@dataclass(frozen=True)
class Attending:
    """E networks of L layers of width W, over I inputs of C candidates with P relations.

    `weights` float32: `in` [E, I, W] and `in_bias` [E, 1, W]; of each layer n `n.query`, `n.key`,
    `n.value`, `n.out` [E, W, W], `n.related` [E, P, H], `n.score` [E, H, 1, 1], `n.up`, `n.down`
    [E, W, W], and `_bias` [E, 1, W] of those six; `last` [E, W, 1] and `last_bias` [E, 1, 1].
    `beside` names the ranker (`listnet.Network.digest`) whose scores are put right.
    """

    weights: dict[str, np.ndarray]
    beside: str
    calibration: Calibration
    fitted_on: frozenset[str]

    def shifts(self, told: np.ndarray, first: np.ndarray, related: np.ndarray) -> np.ndarray:
        """What is added to scores float32 [C], given standardised signals [C, S] and relations
        [C, C, P]."""
        ahead = first - first.max()
        hidden = np.maximum(self._of("in", inputs(told, ahead)), 0.0)
        for layer, stand in enumerate(self._standing(related)):
            stand += ahead * self.weights[f"{layer}.score"]
            hidden = hidden + self._attended(layer, hidden, stand)
            inner = np.maximum(self._of(f"{layer}.up", hidden), 0.0)
            hidden = hidden + self._of(f"{layer}.down", inner)
        found: np.ndarray = self._of("last", hidden)[..., 0].mean(axis=0)
        return found

    def _of(self, name: str, values: np.ndarray) -> np.ndarray:
        found: np.ndarray = values @ self.weights[name]
        found += self.weights[f"{name}_bias"]
        return found

    @cached_property
    def _related(self) -> np.ndarray:
        """float32 [P, L * E * H]: all weights of relations side by side."""
        layers = sum(name.endswith(".related") for name in self.weights)
        every = np.stack([self.weights[f"{layer}.related"] for layer in range(layers)])
        return np.ascontiguousarray(every.reshape(-1, *every.shape[2:]).swapaxes(0, 1)).reshape(
            every.shape[2], -1
        )

    def _standing(self, related: np.ndarray) -> np.ndarray:
        """float32 [L, E, H, C, C]: what relations add to what is attended to."""
        count, networks = len(related), len(self.weights["in"])
        flat = multiplied(related.reshape(count * count, -1), self._related)
        return np.ascontiguousarray(flat.T).reshape(-1, networks, HEADS, count, count)

    def _attended(self, layer: int, hidden: np.ndarray, stand: np.ndarray) -> np.ndarray:
        query, key, value = (
            _by_head(self._of(f"{layer}.{name}", hidden)) for name in ("query", "key", "value")
        )
        likely = query @ key.swapaxes(2, 3)
        likely *= query.shape[-1] ** -0.5
        likely += stand
        likely -= likely.max(axis=-1, keepdims=True)
        np.exp(likely, out=likely)
        together = (likely @ value) / likely.sum(axis=-1, keepdims=True)
        return self._of(f"{layer}.out", together.swapaxes(1, 2).reshape(hidden.shape))

    def write(self, path: Path) -> None:
        """To a file, in half precision."""
        told = {
            "signals": signals.NAMES,
            "relations": relations.NAMES,
            "beside": self.beside,
            "fitted_on": sorted(self.fitted_on),
            "calibration": asdict(self.calibration),
        }
        text = np.frombuffer(json.dumps(told).encode(), np.uint8)
        halves = {name: weight.astype(np.float16) for name, weight in self.weights.items()}
        np.savez_compressed(path, **{_TOLD: text}, **halves)  # type: ignore[arg-type]


def inputs(told: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """float32 [C, S + 1]: a candidate's signals, and how far its score lies behind the best."""
    return np.column_stack([told, np.maximum(ahead / 4.0, -4.0)]).astype(np.float32)


def _by_head(values: np.ndarray) -> np.ndarray:
    """[E, C, W] → [E, H, C, W / H]."""
    some, count, width = values.shape
    return values.reshape(some, count, HEADS, width // HEADS).swapaxes(1, 2)


@cache
def load(path: Path) -> Attending:
    """The networks of a file, read once per process.

    Raises:
        InvalidInput: they were made for other signals or relations than these.
    """
    with np.load(path, allow_pickle=False) as held:
        weights = {name: held[name].astype(np.float32) for name in held.files if name != _TOLD}
        told = json.loads(held[_TOLD].tobytes())
    if (tuple(told["signals"]), tuple(told["relations"])) != (signals.NAMES, relations.NAMES):
        raise InvalidInput(
            f"{path} was fitted on other signals: make it again with scripts/train_setrank.py"
        )
    return Attending(
        weights, told["beside"], Calibration(**told["calibration"]), frozenset(told["fitted_on"])
    )
