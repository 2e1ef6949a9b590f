"""The section `settings`: weights alone, retrieval alone, both; and controls beside them.

Retrieval is Mnemon's own: the first hits of `memory.search` for the question are the context. What
an adapter makes of a context is seen twice: as the gate decides (text goes before weights), and
with the adapter worn whatever the gate says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mnemon.bench.weights.asking import judged
from mnemon.bench.weights.facts import Fact, facts
from mnemon.bench.weights.plan import MOST, NAMESPACE, Bench, share, tell
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.weights import Reader
from mnemon.weights.lesson import prompt_ids
from mnemon.weights.reading import greedy

HITS = 3


class _Asked(NamedTuple):
    """A question, what search finds for it, the fact itself, and one about somebody else."""

    question: str
    found: str
    gold: str
    wrong: str


_Setting = Callable[[Reader, _Asked], tuple[str | None, str]]
SETTINGS: dict[str, _Setting] = {
    "base": lambda reader, one: (None, ""),
    "parametric": lambda reader, one: (reader.route(one.question)[0], ""),
    "retrieval": lambda reader, one: (None, one.found),
    "both": lambda reader, one: (reader.route(one.question, one.found)[0], one.found),
    "both_ungated": lambda reader, one: (reader.route(one.question)[0], one.found),
    "in_context": lambda reader, one: (None, one.gold),
    "wrong_document": lambda reader, one: (None, one.wrong),
    "parametric_wrong_document": lambda reader, one: (
        reader.route(one.question, one.wrong)[0], one.wrong,
    ),
}  # fmt: skip
"""The key of the adapter that is worn, and the context that is given."""


def settings(bench: Bench, count: int) -> dict[str, Any]:
    """The share of facts answered in each setting: asked as trained, and in other words.

    Args:
        count: facts, all of them told, trained and searched; two at least.

    Raises:
        InvalidInput: fewer than two facts.
    """
    if count < 2:
        raise InvalidInput(f"{count} fact has no wrong document beside it: take 2 or more")
    told, strangers = facts(count, bench.seed)
    with Memory(":memory:", namespace=NAMESPACE) as memory:
        tell(memory, told)
        bench.consolidated(memory)
        said = [_asked(memory, one.question, told, n) for n, one in enumerate(told)]
        again = [_asked(memory, one.paraphrase, told, n) for n, one in enumerate(told)]
        unknown = [_asked(memory, one.question, told, 0) for one in strangers]
        with Reader(memory, bench.model, bench.tokenizer) as reader:
            answered = {
                name: {
                    "recall": _right(bench, reader, told, said, how),
                    "paraphrase": _right(bench, reader, told, again, how),
                }
                for name, how in SETTINGS.items()
            }
            stored = {one.value for one in told}
            invented = {
                name: share(_given(bench, reader, one, SETTINGS[name]) in stored for one in unknown)
                for name in ("parametric", "retrieval", "both")
            }
    return {
        "facts": count, "hits": HITS,
        "retrieved": share(one.gold in one.found for one in said),
        "retrieved_paraphrase": share(one.gold in one.found for one in again),
        "context_tokens": float(np.mean([len(one.found.split()) for one in said])),
        "answered": answered, "strangers_given_a_stored_value": invented,
    }  # fmt: skip


def _asked(memory: Memory, question: str, told: Sequence[Fact], number: int) -> _Asked:
    found = " ".join(hit.cube.content for hit in memory.search(question, HITS))
    return _Asked(question, found, told[number].told, told[number - 1].told)


def _right(
    bench: Bench, reader: Reader, told: Sequence[Fact], asked: Sequence[_Asked], how: _Setting
) -> float:
    right = []
    for fact, one in zip(told, asked, strict=True):
        key, context = how(reader, one)
        reader.swap(key)
        right.append(judged(bench.model, one.question, fact.value, context).exact)
    reader.swap(None)
    return share(right)


def _given(bench: Bench, reader: Reader, one: _Asked, how: _Setting) -> str:
    """What is answered to who was never told of."""
    key, context = how(reader, one)
    reader.swap(key)
    prompt = prompt_ids(bench.tokenizer, f"{context} {one.question}".strip())
    ids = greedy(bench.model, prompt, bench.tokenizer.eos_token_id, MOST)
    return str(bench.tokenizer.decode(ids, skip_special_tokens=True))
