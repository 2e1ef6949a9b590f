"""Lexicon: words with a vector, a weight and a kind each, for comparing texts word by word.

Vectors and weights are the bundled static model's: a word's vector is the sum of its pieces', and
the length of a piece's row is how much it matters to a text, so that no corpus has to be counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice, repeat

import numpy as np

from mnemon.blas import filled, with_vector
from mnemon.models.embed.static import StaticEmbedder
from mnemon.text import wordkind
from mnemon.text.hashed import Hashed
from mnemon.text.tokens import Tokens, plain

MOST = 65_536
"""Places for words; a power of two."""
DIMENSIONS = 96
"""Of a word's vector, the leading ones: the table's axes are in order of weight."""


class Lexicon:
    """Word ↔ id, unit vector float32 [DIMENSIONS], weight and kind. Id 0 is no word.

    One for the process, and never blind: when three quarters of its places (26 MB in all) are
    taken, the words that came first are forgotten, and get a new id when they come again. An id
    never means another word; that of a forgotten word can be compared until a quarter of the places
    has been given away since, so whatever holds ids for one search is safe. What holds them longer
    asks `oldest`, and reads again what has ids below. Safe to use from many threads.
    """

    def __init__(self, embedder: StaticEmbedder, most: int = MOST) -> None:
        self.oldest = 1
        self._embedder = embedder
        self._most = most
        self._lock = threading.Lock()
        self._ids: dict[str, int] = {}
        self._keyed = Hashed()
        self._next = 1
        room = min(1024, most)
        self._vectors = np.zeros((room, DIMENSIONS), dtype=np.float32)
        self._weights = np.zeros(room, dtype=np.float32)
        self._kinds = np.zeros(room, dtype=np.uint8)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def crowded(self) -> bool:
        """Whether some words will be forgotten before a quarter of the places has been given to new
        ones."""
        return self._next - self.oldest > self._most // 2

    def numbers(self, words: Sequence[str]) -> np.ndarray:
        """int32 ids of words in lower case; new ones get one, "" has 0."""
        found = np.fromiter(map(self._ids.get, words, repeat(-1)), np.int32, len(words))
        new = np.flatnonzero(found < 0)
        if len(new):
            wanted = [words[place] for place in new.tolist()]
            meanings = self._meanings([word for word in dict.fromkeys(wanted) if word])
            with self._lock:
                found[new] = [self._id(word, meanings) for word in wanted]
        return found

    def of_tokens(self, tokens: Tokens) -> np.ndarray:
        """int32 ids of all words of texts; new ones get one."""
        found: np.ndarray = self._keyed.get(tokens.keys)
        new = np.flatnonzero(found < 0)
        if len(new):
            keys, first, which = np.unique(tokens.keys[new], return_index=True, return_inverse=True)
            ids = self.numbers([tokens.word(place) for place in new[first].tolist()])
            found[new] = ids[which]
            with self._lock:
                known = self._keyed.get(keys) >= 0  # another thread was faster
                fresh = ~known & (ids >= self.oldest)
                self._keyed.put(keys[fresh], ids[fresh])
        return found

    def ids(self, text: str, without: Iterable[str]) -> np.ndarray:
        """int32 ids of a text's content words in order, less those in `without`."""
        found = self.numbers(plain(text))
        telling = found[(self.kinds(found) & wordkind.FUNCTION) == 0].tolist()
        names = set(self.known(without))
        return np.asarray([id for id in telling if id not in names], dtype=np.int32)

    def known(self, words: Iterable[str]) -> list[int]:
        """Ids of those words that have one."""
        return [id for id in map(self._ids.get, words) if id is not None]

    def among(self, ids: np.ndarray, some: Sequence[int]) -> np.ndarray:
        """bool [len(ids)]: which are among `some` known ones."""
        marked = np.zeros(len(self._weights), dtype=bool)
        marked[self._places(np.asarray(some, dtype=np.int32))] = True
        return marked.take(self._places(ids))

    def similarities(self, ids: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """Cosines float32 [len(ids), len(asked)] of words with asked words, none below 0.

        Each different word is compared once.
        """
        rows, at = self._vectors, self._places(ids)
        seen = np.zeros(len(rows), dtype=bool)
        seen[at] = True
        kinds = np.flatnonzero(seen)
        order = np.empty(len(seen), dtype=np.int32)
        order[kinds] = np.arange(len(kinds), dtype=np.int32)
        vectors = rows.take(filled(kinds), axis=0)  # by id: in the order in which words came
        similar = np.empty((len(asked), len(vectors)), dtype=np.float32)
        for one, place in zip(similar, self._places(asked).tolist(), strict=True):
            one[:] = with_vector(vectors, rows[place])
        np.maximum(similar, 0.0, out=similar)
        result: np.ndarray = similar.take(order.take(at), axis=1).T  # column by column in memory
        return result

    def weights(self, ids: np.ndarray) -> np.ndarray:
        """Rarity float32 [len(ids)]; zero for id 0."""
        return self._weights.take(self._places(ids))

    def kinds(self, ids: np.ndarray) -> np.ndarray:
        """Bits of `wordkind`, uint8 [len(ids)]."""
        return self._kinds.take(self._places(ids))

    def _places(self, ids: np.ndarray) -> np.ndarray:
        if self._next <= self._most:
            return ids
        given_away = ids <= self._next - self._most
        return np.where(given_away, 0, ids & (self._most - 1))

    def _id(self, word: str, meanings: dict[str, tuple[np.ndarray, float]]) -> int:
        known = self._ids.get(word)
        if known is not None or not word:
            return known or 0
        number = self._next + (self._next % self._most == 0)  # place 0 is that of no word
        place = number % self._most
        while place >= len(self._weights):
            self._grow()
        self._vectors[place], self._weights[place] = meanings[word]
        self._kinds[place] = wordkind.kind(word)
        self._next = number + 1
        self._ids[word] = number  # last: other threads look words up without the lock
        if self._next - self.oldest > self._most * 3 // 4:
            self._forget()
        return number

    def _meanings(self, words: Sequence[str]) -> dict[str, tuple[np.ndarray, float]]:
        """Vector and weight of words, all at once: one by one takes ten times as long."""
        sums, counts = self._embedder.token_sums(words)
        leading = self._embedder.late_sums(sums)[:, :DIMENSIONS]
        units = (
            leading / np.maximum(np.sqrt(np.einsum("nd,nd->n", leading, leading)), 1e-6)[:, None]
        )
        weights = np.sqrt(np.einsum("nd,nd->n", sums, sums)) / np.maximum(counts, 1)
        return dict(zip(words, zip(units, weights.tolist(), strict=True), strict=True))

    def _grow(self) -> None:
        self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._weights = np.concatenate([self._weights, np.zeros_like(self._weights)])
        self._kinds = np.concatenate([self._kinds, np.zeros_like(self._kinds)])

    def _forget(self) -> None:
        self.oldest += max(1, self._most // 8)
        for word in list(islice(self._ids, self._most // 8 + 1)):
            if self._ids[word] < self.oldest:
                del self._ids[word]
        self._keyed = self._keyed.above(self.oldest)


_making = threading.Lock()


@cache
def _made() -> Lexicon:
    return Lexicon(StaticEmbedder())


def lexicon() -> Lexicon:
    """The process's lexicon over the bundled model. There is one: an id of another would be read as
    another word, so threads that ask first at the same moment must not each make theirs."""
    with _making:
        return _made()


def joined(lists: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(all ids behind one another, where each list starts); no list may be empty."""
    starts = np.zeros(len(lists), dtype=np.intp)
    np.cumsum([len(ids) for ids in lists[:-1]], out=starts[1:])
    return np.concatenate(lists), starts
