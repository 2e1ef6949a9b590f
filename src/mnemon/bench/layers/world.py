"""A small world of long-tail facts: names of two words, grouped by topic, as common as Zipf says.

A document tells two facts of one topic, and a question asks for a value of two words:

<bos> w201 w207 is v12 v60 . w203 w201 is v7 v33 .
<bos> w201 w207 is → v12 v60
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, permutations

import numpy as np
from numpy.typing import NDArray

from mnemon.errors import InvalidInput

Tokens = NDArray[np.int64]
BOS, IS, STOP = range(1, 4)
_FIRST, _VALUES, _WORDS = 4, 64, 8
TOLD, PARTS = 2, ("head", "middle", "tail")
"""Facts a document; thirds of the facts, the commonest first."""


@dataclass(frozen=True, slots=True)
class World:
    """Facts, the commonest first.

    Attributes:
        names, values: `[F, 2]` tokens. topics: `[F]`. shares: `[F]` how often each is told, of all.
        vocabulary: number of tokens.
    """

    names: Tokens
    values: Tokens
    topics: Tokens
    shares: NDArray[np.float64]
    vocabulary: int

    def drawn(self, rng: np.random.Generator, count: int) -> Tokens:
        """The facts that so many documents tell `[count, TOLD]`, each of one topic."""
        kinds = int(self.topics.max()) + 1
        drawn = rng.choice(kinds, count, p=np.bincount(self.topics, self.shares))
        facts = np.empty((count, TOLD), np.int64)
        for topic in np.unique(drawn):
            own = np.flatnonzero(self.topics == topic)
            shape = (int((drawn == topic).sum()), TOLD)
            share = self.shares[own] / self.shares[own].sum()
            facts[drawn == topic] = own[rng.choice(len(own), shape, p=share)]
        return facts

    def texts(self, facts: Tokens) -> Tokens:
        """Documents that tell these facts `[count, TOLD]`, as tokens `[count, 1 + 6 TOLD]`."""
        count = len(facts)
        told = np.concatenate([self._stems(facts), self.values[facts]], 2)
        told = np.concatenate([told, np.full((count, TOLD, 1), STOP)], 2).reshape(count, -1)
        return np.concatenate([np.full((count, 1), BOS), told], 1)

    def documents(self, rng: np.random.Generator, count: int) -> Tokens:
        """So many, as tokens `[count, 1 + 6 TOLD]`."""
        return self.texts(self.drawn(rng, count))

    def questions(self) -> Tokens:
        """One a fact, `[F, 4]`."""
        stems = self._stems(np.arange(len(self.names)))
        return np.concatenate([np.full((len(stems), 1), BOS), stems], 1)

    def parts(self) -> NDArray[np.int64]:
        """Which of `PARTS` each fact is in, `[F]`."""
        return np.arange(len(self.names)) * len(PARTS) // len(self.names)

    def _stems(self, facts: Tokens) -> Tokens:
        names = self.names[facts]
        return np.concatenate([names, np.full((*names.shape[:-1], 1), IS)], -1)


def world(topics: int, facts: int, seed: int) -> World:
    """`topics` topics of `facts` facts each; the same for a seed.

    Raises:
        InvalidInput: none.
    """
    if topics < 1 or facts < 1:
        raise InvalidInput(f"{topics} topics of {facts} facts: take 1 or more of each")
    words = next(one for one in count(_WORDS) if one * (one - 1) >= facts)
    rng = np.random.default_rng([seed, topics, facts])
    pairs = np.array(list(permutations(range(words), 2)))
    names = np.concatenate([
        _FIRST + _VALUES + topic * words + pairs[rng.permutation(len(pairs))[:facts]]
        for topic in range(topics)
    ])  # fmt: skip
    shares = np.outer(1 / np.arange(1, topics + 1), 1 / np.arange(1, facts + 1)).reshape(-1)
    order = np.argsort(-shares, kind="stable")
    values = _FIRST + rng.integers(0, _VALUES, (topics * facts, 2))
    of = np.repeat(np.arange(topics), facts)
    shares = shares[order] / shares.sum()
    return World(names[order], values, of[order], shares, _FIRST + _VALUES + topics * words)
