"""Questions about several chunks, each of which could have been read alone.

    … | … VAR tizo = x3f xa0 x11 . … | … VAR leze = VAR tizo . … | …
    Q : which VAR holds x3f xa0 x11 ? A : tizo leze <eos>

In the language of `mnemon.bench.recall`, where one text of the same tasks has no seams. A phrase is
never cut; phrases that belong together (a chain, a fact and what it became, the values of one key)
lie in different chunks, in their order; every chunk has filler of its own around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.bench.recall import needles
from mnemon.bench.recall.common_words import lists
from mnemon.bench.recall.dialogue import facts
from mnemon.bench.recall.filler import HeldOut
from mnemon.bench.recall.pairs import SIZE, pairs
from mnemon.bench.recall.planting import Draw, Phrase, Planted, Question
from mnemon.bench.recall.variables import chains
from mnemon.bench.recall.vocabulary import BOS
from mnemon.errors import InvalidInput, UnknownName

_PLANT: Mapping[str, Callable[[Draw, int, int], Planted]] = {
    "vt": lambda draw, t, c: chains(draw, max(1, t // 1024), 1, 4),
    "update": lambda draw, t, c: facts(draw, max(4, t // 96), 1, 0.6, "update"),
    "multivalue": lambda draw, t, c: needles.valued(draw, max(2, t // 512), 1, 4),
    "multiquery": lambda draw, t, c: needles.several(draw, max(c, t // 128), 1, 4),
    "cwe": lambda draw, t, c: lists(draw, max(12, t // 8)),
    "niah_multikey": lambda draw, t, c: needles.needles(draw, max(4, t // 64), 1),
    "kv": lambda draw, t, c: pairs(draw, max(4, (t // c - SIZE) // SIZE * c), 1),
}

SEVERAL = ("vt", "update", "multivalue", "multiquery", "cwe")
"""Tasks whose answers need several chunks: what `blend_accuracy_ratio` is the mean of."""
ONE = ("niah_multikey", "kv")
"""Tasks whose answers stand in one chunk: what chunks do to each other is seen beside them."""
_MOST_QUESTION = 40


@dataclass(frozen=True, slots=True)
class Chunked:
    """Chunks and one question about them.

    Attributes:
        head: what the prompt begins with, `<bos>`.
        chunks: token ids of each. question: with its answer, `<eos>` last.
    """

    task: str
    head: tuple[int, ...]
    chunks: tuple[tuple[int, ...], ...]
    question: Question

    @property
    def prompt(self) -> tuple[int, ...]:
        """Head, chunks and question, one after the other."""
        return (*self.head, *(token for one in self.chunks for token in one), *self.question.ids)


def chunked(task: str, tokens: int, chunks: int, seed: int) -> Chunked:
    """The sample of a task, a size and a seed: always the same one.

    Args:
        task: one of `SEVERAL` or `ONE`.
        tokens: of the head and all chunks; they are of one size, to the token.
        chunks: how many.
        seed: which of the task's samples, from 0.

    Raises:
        UnknownName: no such task.
        InvalidInput: too few tokens for what the task plants.
    """
    if task not in _PLANT:
        raise UnknownName(f"no task of chunks is called {task!r}: there are {', '.join(_PLANT)}")
    if chunks < 5 or seed < 0:
        raise InvalidInput(
            f"{chunks} chunks, seed {seed}: take at least 5 chunks, and seed 0 or more"
        )
    rng = np.random.default_rng([seed, tokens, chunks, list(_PLANT).index(task)])
    ends = np.linspace(1, tokens, chunks + 1).astype(int)
    planted = _planted(rng, task, tokens, chunks)
    shared = _shared(rng, planted.sequences, chunks)
    texts = [
        _filled(rng, int(size), phrases)
        for size, phrases in zip(np.diff(ends), shared, strict=True)
    ]
    return Chunked(task, (BOS,), tuple(texts), planted.questions[0])


def _planted(rng: np.random.Generator, task: str, tokens: int, chunks: int) -> Planted:
    for _ in range(100):  # by chance nothing may be rewritten in a short dialogue
        planted = _PLANT[task](Draw(rng), tokens, chunks)
        if planted.questions:
            return planted
    raise InvalidInput(f"{tokens} tokens are too few for {task} in {chunks} chunks")


def _shared(
    rng: np.random.Generator, sequences: Sequence[Sequence[Phrase]], chunks: int
) -> list[list[Phrase]]:
    """The phrases of each chunk: those of a sequence in different ones, if it has so few."""
    shared: list[list[Phrase]] = [[] for _ in range(chunks)]
    for phrases in sequences:
        if len(phrases) <= chunks:
            places = np.sort(rng.choice(chunks, len(phrases), replace=False))
        else:
            places = np.arange(len(phrases)) * chunks // len(phrases)
        for place, one in zip(places.tolist(), phrases, strict=True):
            shared[place].append(one)
    return shared


def _filled(rng: np.random.Generator, size: int, phrases: list[Phrase]) -> tuple[int, ...]:
    """A chunk of `size` tokens: filler, with phrases at random places in it."""
    left = size - sum(map(len, phrases))
    if left < 0:
        raise InvalidInput(f"a chunk of {size} tokens has no room for {size - left}: take more")
    around = HeldOut(rng).take(left).tolist() if left else []
    cuts = np.sort(rng.integers(0, left + 1, len(phrases))).tolist()
    text, before = list[int](), 0
    for cut, one in zip(cuts, phrases, strict=True):
        text += [*around[before:cut], *map(int, one)]
        before = cut
    return (*text, *around[before:])
