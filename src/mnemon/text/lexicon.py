"""Lexicon: words with a vector, a weight and a kind each, for comparing texts word by word.

Vectors and weights are the bundled static model's: a word's vector is the sum of its pieces', and
the length of a piece's row is how much it matters to a text, so that no corpus has to be counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np

from mnemon.models.embed.static import StaticEmbedder
from mnemon.store.index.grown import Grown
from mnemon.text import wordkind
from mnemon.text.cosine import cosines
from mnemon.text.hashed import Hashed
from mnemon.text.tokens import Tokens, plain

MOST = 32_768
"""Words after which a lexicon is followed by a new one."""
DIMENSIONS = 96
"""Of a word's vector, the leading ones: the table's axes are in order of weight."""


class Lexicon:
    """Word ↔ id, unit vector float32 [DIMENSIONS], weight and kind. Id 0 is no word.

    It only grows: an id means the same word as long as anyone holds the lexicon. What keeps ids
    keeps their lexicon beside them, and starts over when `lexicon()` gives another one.
    """

    def __init__(self, embedder: StaticEmbedder, before: Lexicon | None = None) -> None:
        self._embedder = embedder
        self._before = before
        self._lock = threading.Lock()
        self._ids: dict[str, int] = {"": 0}
        self._keyed = Hashed()
        self._vectors = Grown(np.zeros((1, DIMENSIONS), dtype=np.float32))
        self._weights = Grown(np.zeros(1, dtype=np.float32))
        self._kinds = Grown(np.zeros(1, dtype=np.uint8))

    def __len__(self) -> int:
        return len(self._ids) - 1

    def follow(self) -> Lexicon:
        """An empty one that takes words over from this one as they come again."""
        self._before = None
        return Lexicon(self._embedder, self)

    def numbers(self, words: list[str]) -> np.ndarray:
        """int32 ids of words in lower case; new ones get one."""
        found = np.fromiter(map(self._ids.get, words, repeat(-1)), np.int32, len(words))
        new = np.flatnonzero(found < 0)
        if len(new):
            with self._lock:
                found[new] = [self._id(words[place]) for place in new.tolist()]
        return found

    def of_tokens(self, tokens: Tokens) -> np.ndarray:
        """int32 ids of all words of texts; new ones get one."""
        found: np.ndarray = self._keyed.get(tokens.keys)
        if len(found) and found.min() < 0:
            self._learn(tokens, np.flatnonzero(found < 0))
            found = self._keyed.get(tokens.keys)
        return found

    def _learn(self, tokens: Tokens, new: np.ndarray) -> None:
        keys, first = np.unique(tokens.keys[new], return_index=True)
        with self._lock:
            unknown = np.flatnonzero(self._keyed.get(keys) < 0)  # another thread was faster
            places = new[first[unknown]].tolist()
            ids = [self._id(tokens.word(place)) for place in places]
            self._keyed.put(keys[unknown], np.asarray(ids, dtype=np.int32))

    def ids(self, text: str, without: Iterable[str]) -> np.ndarray:
        """int32 ids of a text's content words in order, less those in `without`."""
        found = self.numbers(plain(text))
        telling = found[(self.kinds(found) & wordkind.FUNCTION) == 0].tolist()
        names = set(self.known(without))
        return np.asarray([id for id in telling if id not in names], dtype=np.int32)

    def known(self, words: Iterable[str]) -> list[int]:
        """Ids of those words that have one."""
        return [self._ids[word] for word in words if word in self._ids]

    def similarities(self, ids: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """Cosines float32 [len(ids), len(asked)] of words with asked words, none below 0.

        Each different word is compared once.
        """
        rows = self._vectors.rows
        seen = np.zeros(len(rows), dtype=bool)
        seen[ids] = True
        kinds = np.flatnonzero(seen)
        place = np.empty(len(seen), dtype=np.int32)
        place[kinds] = np.arange(len(kinds), dtype=np.int32)
        vectors = rows.take(kinds, axis=0)
        similar = np.empty((len(asked), len(kinds)), dtype=np.float32)
        for one, word in zip(similar, asked.tolist(), strict=True):
            one[:] = cosines(vectors, rows[word])
        np.maximum(similar, 0.0, out=similar)
        result: np.ndarray = similar.take(place.take(ids), axis=1).T  # column by column in memory
        return result

    def weights(self, ids: np.ndarray) -> np.ndarray:
        """Rarity float32 [len(ids)]; zero for id 0."""
        return self._weights.rows.take(ids)

    def kinds(self, ids: np.ndarray) -> np.ndarray:
        """Bits of `wordkind`, uint8 [len(ids)]."""
        return self._kinds.rows.take(ids)

    def _id(self, word: str) -> int:
        known = self._ids.get(word)
        if known is not None:
            return known
        kind = wordkind.kind(word)
        vector, weight = self._meaning(word)
        self._vectors.extend(vector[None])
        self._weights.extend(np.array([weight], dtype=np.float32))
        self._kinds.extend(np.array([kind], dtype=np.uint8))
        # Last: other threads look words up without the lock.
        number = self._ids[word] = len(self._ids)
        return number

    def _meaning(self, word: str) -> tuple[np.ndarray, float]:
        before = self._before
        known = before._ids.get(word) if before is not None else None
        if before is not None and known is not None:
            return before._vectors.rows[known], float(before._weights.rows[known])
        pieces = self._embedder.token_vectors(word)
        if not len(pieces):
            return np.zeros(DIMENSIONS, dtype=np.float32), 0.0
        leading = self._embedder.late_vectors(word).sum(axis=0)[:DIMENSIONS]
        unit = leading / max(float(np.linalg.norm(leading)), 1e-6)
        return unit, float(np.linalg.norm(pieces.sum(axis=0))) / len(pieces)


class _Current:
    """The process's lexicon."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lexicon: Lexicon | None = None


_current = _Current()


def lexicon() -> Lexicon:
    """The process's lexicon over the bundled model.

    When it has `MOST` words a new one follows, which takes over what is still in use; two of them
    hold 26 MB. So it never goes blind, whatever languages a long-lived process has met.
    """
    found = _current.lexicon
    if found is not None and len(found) < MOST:
        return found
    with _current.lock:
        found = _current.lexicon
        if found is None:
            found = _current.lexicon = Lexicon(StaticEmbedder())
        elif len(found) >= MOST:
            found = _current.lexicon = found.follow()
        return found


def joined(lists: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(all ids behind one another, where each list starts); no list may be empty."""
    starts = np.zeros(len(lists), dtype=np.intp)
    np.cumsum([len(ids) for ids in lists[:-1]], out=starts[1:])
    return np.concatenate(lists), starts
