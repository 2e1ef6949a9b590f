"""Encoder: texts to the means of a transformer's token outputs.

Reimers & Gurevych 2019, "Sentence-BERT", https://arxiv.org/abs/1908.10084 (mean pooling). Texts of
one length are reckoned together, so nothing is padded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.models.transformer.buckets import between
from mnemon.models.transformer.layers import Layer, Norm, normalised
from mnemon.models.wordpiece import WordPiece

_ROWS = 2048  # word-pieces at once: what lies between two products stays in the cache


@dataclass(frozen=True)
class Encoder:
    """In memory; threads may share it.

    Attributes:
        pieces: cuts texts.
        ends: ids of what stands before and behind a text.
        words: float32 [V, D] of word-pieces.
        places: float32 [longest, D] of where they stand.
        norm: of their sums; `smallest` is what is added to a variance.
        distances: float32 [B, heads] added to what attention says of pieces so far apart
            (`buckets.py`); None where a model has none.
    """

    pieces: WordPiece
    ends: tuple[int, int]
    words: np.ndarray
    places: np.ndarray
    norm: Norm
    layers: Sequence[Layer]
    heads: int
    smallest: float
    distances: np.ndarray | None = None

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Means of the token outputs, float32 [N, D]; what is over `len(places)` pieces is cut."""
        found = np.empty((len(texts), self.words.shape[1]), dtype=np.float32)
        ids = [self._ids(text) for text in texts]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        for some in _alike([len(ids[place]) for place in order]):
            chosen = order[some]
            found[chosen] = self.outputs(np.array([ids[place] for place in chosen])).mean(axis=1)
        return found

    def outputs(self, ids: np.ndarray) -> np.ndarray:
        """Token outputs float32 [N, T, D] of word-pieces int [N, T]."""
        length = ids.shape[1]
        values = self.words.take(ids, axis=0) + self.places[:length]
        values = normalised(values, self.norm, self.smallest)
        bias = None
        if self.distances is not None:
            bias = between(self.distances, length)
        for layer in self.layers:
            values = layer.outputs(values, self.heads, bias, self.smallest)
        return values

    def _ids(self, text: str) -> list[int]:
        first, last = self.ends
        return [first, *self.pieces.ids(text)[: len(self.places) - 2], last]


def _alike(lengths: Sequence[int]) -> Iterator[slice]:
    """Stretches of ascending lengths that are one length, of `_ROWS` word-pieces at most."""
    start = 0
    while start < len(lengths):
        most = min(len(lengths), start + max(1, _ROWS // lengths[start]))
        end = start + 1
        while end < most and lengths[end] == lengths[start]:
            end += 1
        yield slice(start, end)
        start = end
