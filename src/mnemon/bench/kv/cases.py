"""What a cell asks: contexts and questions as token ids, the same for every policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from mnemon.bench.kv.cells import Cell
from mnemon.bench.recall import EOS, Sample, plain, sample, text
from mnemon.errors import InvalidInput

CUE = 2
"""Tokens of a question's end that the regime `aware` leaves uncompressed: `A :`."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as token ids; the last `cue` tokens of it call for the answer."""

    question: tuple[int, ...]
    answer: tuple[int, ...]
    cue: int


@dataclass(frozen=True, slots=True)
class Case:
    """A context and what is asked about it."""

    context: tuple[int, ...]
    turns: tuple[Turn, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of all its parts: cases of one shape can be asked as a batch."""
        parts = [len(self.context)]
        for one in self.turns:
            parts += [len(one.question), len(one.answer)]
        return tuple(parts)


def cases(cell: Cell, tokenizer: Any = None) -> list[Case]:
    """The cases of a cell.

    Args:
        tokenizer: of another model than recall-lm, which is given the words as text.

    Raises:
        InvalidInput: the length is too short for the task; a regime that asks nothing but filler
            of a model that does not speak the recall language.
    """
    if cell.task == "plain":
        if tokenizer is not None and cell.regime == "perplexity":
            raise InvalidInput(
                "perplexity is of filler in the recall language, which only recall-lm speaks: "
                "leave the regime out with another model"
            )
        drawn = [Case(plain(cell.length, cell.seed + i), ()) for i in range(cell.samples)]
        return drawn if tokenizer is None else [_spoken_plain(one, tokenizer) for one in drawn]
    number = cell.questions if cell.questions == 1 else _most(cell)
    samples = [_sample(cell.task, cell.length, cell.seed + i, number) for i in range(cell.samples)]
    return [_case(one) if tokenizer is None else _spoken(one, tokenizer) for one in samples]


def digest(asked: Sequence[Case]) -> str:
    """Of token ids: rows with the same digest were asked the same."""
    told = json.dumps([asdict(one) for one in asked])
    return hashlib.sha256(told.encode()).hexdigest()[:24]


@lru_cache(1024)
def _sample(task: str, length: int, seed: int, questions: int) -> Sample:
    return sample(task, length, seed, questions)


def _case(one: Sample) -> Case:
    turns = tuple(Turn(each.ids, each.answer, CUE) for each in one.questions)
    return Case(one.context, turns)


def _most(cell: Cell) -> int:
    """The cell's questions, or those that fill its tokens; fewer if a context answers fewer."""
    first = _sample(cell.task, cell.length, cell.seed, 1)
    each = len(first.question) + len(first.answer)
    wanted = cell.questions or max(1, cell.tokens // each)
    return _answered(cell.task, cell.length, cell.seed, cell.samples, wanted)


@lru_cache(64)
def _answered(task: str, length: int, seed: int, samples: int, wanted: int) -> int:
    """The most questions, up to those wanted, that every context answers."""
    fewest, most = 1, wanted
    while fewest < most:
        middle = (fewest + most + 1) // 2
        try:
            for number in range(samples):
                sample(task, length, seed + number, middle)
            fewest = middle
        except InvalidInput:
            most = middle - 1
    return fewest


def _spoken(one: Sample, tokenizer: Any) -> Case:
    """A sample in another model's tokens, without `<eos>` and without a chat template."""
    context = tokenizer(text(one.context[1:])).input_ids
    turns = []
    for each in one.questions:
        said = text(token for token in each.answer if token != EOS)
        asked = [_plain_ids(tokenizer, f" {text(each.ids[:-CUE])}")]
        asked.append(_plain_ids(tokenizer, f" {text(each.ids[-CUE:])}"))
        turns.append(
            Turn(
                tuple(asked[0] + asked[1]), tuple(_plain_ids(tokenizer, f" {said}")), len(asked[1])
            )
        )
    return Case(tuple(context), tuple(turns))


def _spoken_plain(one: Case, tokenizer: Any) -> Case:
    return Case(tuple(tokenizer(text(one.context[1:])).input_ids), ())


def _plain_ids(tokenizer: Any, said: str) -> list[int]:
    ids: list[int] = tokenizer(said, add_special_tokens=False).input_ids
    return ids
