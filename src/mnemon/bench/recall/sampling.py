"""Samples for evaluation: one task, held-out filler, an exact length, the same for a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mnemon.bench.recall import assembling, needles
from mnemon.bench.recall.common_words import lists
from mnemon.bench.recall.dialogue import facts
from mnemon.bench.recall.filler import Filler, HeldOut
from mnemon.bench.recall.pairs import SIZE, pairs
from mnemon.bench.recall.planting import Draw, Planted, Question
from mnemon.bench.recall.variables import chains
from mnemon.bench.recall.vocabulary import BOS
from mnemon.errors import InvalidInput, UnknownName

_ASKED = 13  # tokens of a further question about pairs, with its answer

# What stands in a context of t tokens for n questions; at 4,096 that is, in this order: 1 key, 64
# keys, 8 keys with 4 values, 32 keys, 4 chains of 5 names, some 500 pairs, 42 facts (twice), and
# 512 words.
_PLANT: Mapping[str, Callable[[Draw, int, int], Planted]] = {
    "niah_single": lambda draw, t, n: needles.needles(draw, 1, n),
    "niah_multikey": lambda draw, t, n: needles.needles(draw, max(4, t // 64), n),
    "multivalue": lambda draw, t, n: needles.valued(draw, max(2, t // 512), n, 4),
    "multiquery": lambda draw, t, n: needles.several(draw, max(4, t // 128), n, 4),
    "vt": lambda draw, t, n: chains(draw, max(1, t // 1024), n, 4),
    "kv": lambda draw, t, n: pairs(draw, max(4, (t - 60 - _ASKED * (n - 1)) // SIZE), n),
    "fact": lambda draw, t, n: facts(draw, max(2, t // 96), n),
    "update": lambda draw, t, n: facts(draw, max(2, t // 96), n, 0.6, "update"),
    "cwe": lambda draw, t, n: lists(draw, max(12, t // 8)),
}

TASKS = tuple(_PLANT)
"""The tasks that are evaluated."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A context and questions about it; all of it together has the length that was asked for."""

    task: str
    context: tuple[int, ...]
    questions: tuple[Question, ...]

    @property
    def question(self) -> tuple[int, ...]:
        """Ids of the first question."""
        return self.questions[0].ids

    @property
    def answer(self) -> tuple[int, ...]:
        """Ids of its answer, `<eos>` last."""
        return self.questions[0].answer

    def prompt(self, number: int = 0) -> tuple[int, ...]:
        """The context and one question, as if nothing else were asked: a shared context."""
        return self.context + self.questions[number].ids

    def dialogue(self, number: int) -> tuple[int, ...]:
        """The context, all earlier questions with their right answers, and this one: turns."""
        before = self.questions[:number]
        said = tuple(token for one in before for token in one.ids + one.answer)
        return self.context + said + self.questions[number].ids


def sample(task: str, length: int, seed: int, questions: int = 1) -> Sample:
    """The sample of a task, a length in tokens and a seed: always the same one.

    Args:
        task: one of `TASKS`.
        length: tokens of the context and all questions with their answers, `<bos>` to the last
            `<eos>`.
        seed: which of the task's samples, from 0.
        questions: how many are asked about the context; `niah_single` and `cwe` have only one.

    Raises:
        UnknownName: no such task.
        InvalidInput: the length is too short for the task, or for so many questions.
    """
    if task not in _PLANT:
        raise UnknownName(f"no recall task is called {task!r}: there are {', '.join(TASKS)}")
    if seed < 0 or length < 1:
        raise InvalidInput(f"no sample has seed {seed} and length {length}: take 0 or more, and 1")
    rng = np.random.default_rng([seed, length, TASKS.index(task)])
    return draw_sample(rng, HeldOut(rng), task, length, questions)


def draw_sample(
    rng: np.random.Generator, filler: Filler, task: str, length: int, questions: int = 1
) -> Sample:
    """As `sample`, by a generator and filler of one's own.

    Raises:
        InvalidInput: the length is too short for the task, or for so many questions.
    """
    if questions < 1:
        raise InvalidInput(f"{questions} questions cannot be asked: ask at least one")
    planted = _planted(rng, task, length, questions)
    phrases, asked = assembling.merged(rng, planted.sequences), planted.questions
    if (left := assembling.room(length, phrases, asked)) < 0:
        raise InvalidInput(
            f"{length} tokens are too few for {task} with {questions} questions: it needs "
            f"{length - left}"
        )
    made = assembling.assemble(rng, filler, length, phrases, asked)
    return Sample(task, tuple(made.tokens[: made.context].tolist()), tuple(asked))


def plain(length: int, seed: int) -> tuple[int, ...]:
    """`<bos>` and held-out filler, to a length in tokens: for perplexity.

    Raises:
        InvalidInput: fewer than two tokens.
    """
    if length < 2:
        raise InvalidInput(f"{length} tokens are no text: ask for at least 2")
    rng = np.random.default_rng([seed, length, len(TASKS)])
    return (BOS, *HeldOut(rng).take(length - 1).tolist())


def _planted(rng: np.random.Generator, task: str, length: int, questions: int) -> Planted:
    # By chance a short dialogue has nothing rewritten, or too little: then another is drawn.
    for _ in range(100):
        planted = _PLANT[task](Draw(rng), length, questions)
        if len(planted.questions) == questions:
            return planted
    raise InvalidInput(
        f"a context of {task} with {length} tokens answers {len(planted.questions)}, not "
        f"{questions} questions: ask fewer, or take a longer one"
    )
