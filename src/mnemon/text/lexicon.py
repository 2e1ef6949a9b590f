"""Lexicon: words with a vector and a weight each, for comparing texts word by word.

Vectors and weights are the bundled static model's: a word's vector is the sum of its pieces', and
its length is how rare the word is (the model's SIF weight), so that no corpus has to be counted.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np

from mnemon.analysis import STOPWORDS
from mnemon.models.embed.static import StaticEmbedder
from mnemon.text.cosine import cosines

_WORD = re.compile(r"[^\W_]+")
_MOST = 65_536
DIMENSIONS = 96
"""Of a word's vector, the leading ones: the table's axes are in order of weight."""


class Lexicon:
    """Word ↔ id, unit vector float32 [DIMENSIONS] and weight. Grows as words come; id 0 is none.

    One for the process, of at most 65,535 words (26 MB): a word first seen after that gets id 0 and
    adds nothing to late interaction; the channels still find it.
    """

    def __init__(self, embedder: StaticEmbedder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self._ids: dict[str, int] = {}
        self._vectors = np.zeros((1024, DIMENSIONS), dtype=np.float32)
        self._weights = np.zeros(1024, dtype=np.float32)

    def ids(self, text: str, without: frozenset[str]) -> np.ndarray:
        """int32 ids of a text's content words in order, less those in `without`."""
        words = [
            word
            for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
            if word not in STOPWORDS and word not in without
        ]
        with self._lock:
            return np.asarray([self._id(word) for word in words], dtype=np.int32)

    def similarities(self, ids: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """Cosines float32 [len(ids), len(asked)] of words with asked words, none below 0.

        Each different word is compared once.
        """
        seen = np.zeros(len(self._ids) + 1, dtype=bool)
        seen[ids] = True
        kinds = np.flatnonzero(seen)
        place = np.empty(len(seen), dtype=np.int32)
        place[kinds] = np.arange(len(kinds), dtype=np.int32)
        vectors = self._vectors[kinds]
        columns = [cosines(vectors, self._vectors[word]) for word in asked]
        similar = np.maximum(np.stack(columns, axis=1), 0.0)
        result: np.ndarray = similar[place[ids]]
        return result

    def weights(self, ids: np.ndarray) -> np.ndarray:
        """Rarity float32 [len(ids)]; zero for id 0."""
        rarity: np.ndarray = self._weights[ids]
        return rarity

    def _id(self, word: str) -> int:
        known = self._ids.get(word)
        if known is not None:
            return known
        number = len(self._ids) + 1
        if number >= _MOST:
            return 0  # full: see the class
        if number >= len(self._weights):
            self._grow()
        pieces = self._embedder.token_vectors(word)
        if len(pieces):
            total = pieces.sum(axis=0)
            leading = total[:DIMENSIONS]
            self._vectors[number] = leading / max(float(np.linalg.norm(leading)), 1e-6)
            self._weights[number] = float(np.linalg.norm(total)) / len(pieces)
        self._ids[word] = number
        return number

    def _grow(self) -> None:
        self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._weights = np.concatenate([self._weights, np.zeros_like(self._weights)])


@cache
def lexicon() -> Lexicon:
    """The process's lexicon over the bundled model."""
    return Lexicon(StaticEmbedder())


def joined(lists: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(all ids behind one another, where each list starts); no list may be empty."""
    starts = np.zeros(len(lists), dtype=np.intp)
    np.cumsum([len(ids) for ids in lists[:-1]], out=starts[1:])
    return np.concatenate(lists), starts
