"""The cross-encoder in numpy, pair by pair: as fast as torch on a CPU, and without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from mnemon.models import hub, lora, transformer
from mnemon.models.cross_encoder.head import HEAD, LAYERS, checked
from mnemon.models.cross_encoder.pairs import BESIDE, QUESTION, TURN, Pieces
from mnemon.models.transformer import Encoder
from mnemon.models.transformer.layers import gelu

_LONGEST = 256  # a pair has 213


@dataclass(frozen=True)
class Loaded:
    """`head` as `LAYERS` names it."""

    encoder: Encoder
    head: tuple[np.ndarray, ...]

    @property
    def marks(self) -> tuple[int, int]:
        return self.encoder.ends

    def cut(self, text: str, most: int) -> list[int]:
        """The ids of a text's first word-pieces."""
        return self.encoder.pieces.ids(text)[:most]

    def scores(self, pairs: Sequence[Pieces]) -> np.ndarray:
        """float32 [P]."""
        return np.array([self._score(pair) for pair in pairs], dtype=np.float32)

    def _score(self, pair: Pieces) -> float:
        weight, hidden, bias, last, last_bias = self.head
        near, rest = features(self.encoder.outputs(np.array([pair.ids]))[0], np.array(pair.parts))
        inner = gelu(hidden @ rest + bias)
        return float(near @ weight + last[0] @ inner + last_bias[0])


def features(output: np.ndarray, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of an encoder's output [L, D]: how near question and turn are [2], as a whole and piece by
    piece; and [3D] where they agree, where they differ, the first piece."""
    question, turn = parts == QUESTION, parts == TURN
    asked, said = (_unit(output[there].sum(axis=0)) for there in (question, turn))
    each = _unit(output)
    late = 0.0
    if question.any():
        others = each[turn | (parts == BESIDE)]
        nearest = (each[question] @ others.T).max(axis=1, initial=-1.0)
        late = float(nearest.mean())
    near = np.array([asked @ said, late], dtype=np.float32)
    return near, np.concatenate([asked * said * 20.0, np.abs(asked - said) * 10.0, output[0]])


def _unit(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)
    return found


@cache
def loaded(base: str, tuning: Path) -> Loaded:
    """See `CrossEncoder.load`."""
    encoder = transformer.opened(hub.folder(base), tuning, _LONGEST)
    head = checked(tuning, lora.read(tuning, HEAD, "np", "encoders")[1])
    return Loaded(encoder, tuple(head[name].astype(np.float32) for name in LAYERS))
