"""What is planted in the filler of one sample, and what is asked about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mnemon.bench.recall import vocabulary
from mnemon.bench.recall.vocabulary import EOS, phrase

Phrase = Sequence[int]
"""Token ids that stay together in the context."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a context: `Q : … ? A :`, and the answer with `<eos>` at its end."""

    task: str
    ids: tuple[int, ...]
    answer: tuple[int, ...]


class Planted(NamedTuple):
    """Sequences of phrases (each keeps its own order in the context) and questions about them."""

    sequences: list[list[Phrase]]
    questions: list[Question]


def question(task: str, body: Sequence[int], answer: Sequence[int]) -> Question:
    """A question with its marks around it."""
    asked = (*phrase("Q :"), *body, *phrase("? A :"))
    return Question(task, tuple(map(int, asked)), (*map(int, answer), EOS))


def joined(parts: Sequence[Sequence[int]]) -> list[int]:
    """Parts with commas between."""
    tokens = list(parts[0])
    for part in parts[1:]:
        tokens += [*phrase(","), *part]
    return tokens


class Draw:
    """Words and values for one sample; a word that was drawn as a key is never drawn again."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._shuffled = rng.permutation(vocabulary.content())
        self._next = 0

    def restart(self) -> None:
        """Forget what was drawn."""
        self._next = 0

    def words(self, count: int) -> list[int]:
        """So many content words, none drawn before."""
        drawn: list[int] = self._shuffled[self._next : self._next + count].tolist()
        self._next += count
        return drawn

    def values(self, count: int) -> list[int]:
        """So many hex values."""
        drawn: list[int] = (vocabulary.first_hex() + self.rng.integers(0, 256, count)).tolist()
        return drawn

    def any_words(self, count: int) -> list[int]:
        """So many content words, of all there are."""
        content = vocabulary.content()
        drawn: list[int] = content[self.rng.integers(0, len(content), count)].tolist()
        return drawn
