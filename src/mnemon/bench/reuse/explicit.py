"""Codes that stand in references: what explicit memories of them answer, weigh and cost.

    from mnemon.bench.reuse.explicit import measure
    rows = measure(model, tokenizer, embed=StaticEmbedder().embed)

Each reference has one key with its code somewhere in filler; a question asks for one code. Beside
every way of writing: nothing but the question, and the same retrieved references as words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import torch

from mnemon.bench.recall import EOS, Question, text
from mnemon.bench.recall.filler import HeldOut
from mnemon.bench.recall.needles import keyed
from mnemon.bench.recall.planting import Draw, question
from mnemon.bench.recall.vocabulary import phrase
from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.kv.explicit.library import Library
from mnemon.kv.explicit.memory3 import Memory3
from mnemon.kv.plan import token_bytes

PAPER = Memory3()
HALVES = replace(PAPER, layers="last", score="leverage")
WAYS = (
    PAPER,
    replace(PAPER, layers="all"),
    replace(PAPER, layers="all", tokens=32),
    replace(PAPER, layers="first", score="leverage"),
    *(replace(HALVES, tokens=kept) for kept in (2, 4, 8, 16)),
    replace(HALVES, bits=2),
)
NOTHING, WORDS = "no memory", "as words"


@dataclass(frozen=True)
class Row:
    """One way of remembering.

    Attributes:
        right, asked: questions answered exactly, of so many; found: whose reference was retrieved.
        smaller: bytes of the references' full cache over bytes stored; 0 where nothing is.
        read: seconds, the median, until the question can be passed. passed: tokens that the model
            computes for a question before its answer begins.
    """

    way: str
    right: int
    found: int
    asked: int
    smaller: float
    read: float
    passed: int


@dataclass(frozen=True)
class Shelf:
    """References as texts, and the question for the code in each."""

    texts: tuple[str, ...]
    questions: tuple[Question, ...]


def shelf(seed: int, *, count: int = 12, length: int = 127) -> Shelf:
    """The references of a seed: always the same ones.

    Raises:
        InvalidInput: a length too short for what is planted.
    """
    rng = np.random.default_rng([seed, count, length])
    words = HeldOut(rng)
    keys, codes, planted = keyed(Draw(rng), count)
    if length < (longest := max(map(len, planted))) + 1:
        raise InvalidInput(f"references of {length} words: take {longest + 1} or more")
    texts = []
    for told in planted:
        around = words.take(length - len(told)).tolist()
        cut = int(rng.integers(len(around) + 1))
        texts.append(text([*around[:cut], *map(int, told), *around[cut:]]))
    what = phrase("what is the code for")
    asked = [question("niah", [*what, key], code) for key, code in zip(keys, codes, strict=True)]
    return Shelf(tuple(texts), tuple(asked))


def measure(
    model: Any, tokenizer: Any, *, embed: Any, ways: Sequence[Memory3] = WAYS,
    seeds: Sequence[int] = range(4), count: int = 12, length: int = 127,
) -> list[Row]:  # fmt: skip
    """A row for each way of writing, then one without memory and one with the words."""
    shelves = [shelf(seed, count=count, length=length) for seed in seeds]
    rows = []
    for way in ways:
        libraries = [
            Library.write(model, tokenizer, one.texts, embed=embed, method=way) for one in shelves
        ]
        rows.append(_remembered(libraries, shelves))
    rows.append(_nothing(libraries, shelves))
    rows.append(_words(libraries, shelves))
    return rows


def _remembered(libraries: Sequence[Library], shelves: Sequence[Shelf]) -> Row:
    right = found = 0
    took = []
    for library, one in zip(libraries, shelves, strict=True):
        for number, asked in enumerate(one.questions):
            cache = KVCache(library.model, "recency", 1.0)
            began = perf_counter()
            found += number in library.recall(cache, text(asked.ids))
            took.append(perf_counter() - began)
            said = library.generate(_begun(library, asked), len(asked.answer), stop=EOS)
            right += tuple(said) == asked.answer
    way = libraries[0].method
    name = f"{way.layers}, {way.score}, {way.tokens} tokens, {way.bits} bits"
    smaller = sum(map(_full, libraries)) / sum(one.nbytes for one in libraries)
    return _row(name, right, found, shelves, smaller, took, _begun(libraries[0], asked))


def _nothing(libraries: Sequence[Library], shelves: Sequence[Shelf]) -> Row:
    right = 0
    for library, one in zip(libraries, shelves, strict=True):
        empty = replace(library, references=())
        for asked in one.questions:
            said = empty.generate(_begun(library, asked), len(asked.answer), stop=EOS)
            right += tuple(said) == asked.answer
    return _row(NOTHING, right, 0, shelves, 0.0, [0.0], _begun(libraries[0], asked))


def _words(libraries: Sequence[Library], shelves: Sequence[Shelf]) -> Row:
    """The references that would be recalled, computed as one text before the question."""
    right = found = 0
    took = []
    for library, one in zip(libraries, shelves, strict=True):
        for number, asked in enumerate(one.questions):
            near = library.nearest(text(asked.ids))
            found += number in near
            read = " ".join(one.texts[place] for place in sorted(near))
            begin = library.tokenizer.bos_token_id
            before = [begin, *library.tokenizer(read, add_special_tokens=False).input_ids]
            cache = KVCache(library.model, "recency", 1.0)
            ids = torch.tensor([[*before, *asked.ids, *asked.answer]])
            with torch.inference_mode():
                began = perf_counter()
                seam.forward(library.model, ids[:, : len(before)], cache, logits_to_keep=1)
                took.append(perf_counter() - began)
                logits = seam.forward(library.model, ids[:, len(before) : -1], cache)
            answer = ids[0, -len(asked.answer) :]
            right += bool((logits[0, -len(answer) :].argmax(-1) == answer).all())
    return _row(WORDS, right, found, shelves, 1.0, took, [*before, *asked.ids])


def _row(
    way: str, right: int, found: int, shelves: Sequence[Shelf], smaller: float,
    took: Sequence[float], passed: Sequence[int],
) -> Row:  # fmt: skip
    asked = sum(len(one.questions) for one in shelves)
    return Row(way, right, found, asked, smaller, float(np.median(took)), len(passed))


def _begun(library: Library, asked: Question) -> list[int]:
    return [library.tokenizer.bos_token_id, *asked.ids]


def _full(library: Library) -> int:
    """Bytes of the full cache of all references."""
    cache = KVCache(library.model, "recency", 1.0)
    with torch.inference_mode():
        seam.forward(library.model, torch.zeros(1, 1, dtype=torch.long), cache)
    return token_bytes(cache.compressed) * sum(one.tokens for one in library.references)
