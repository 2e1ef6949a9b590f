"""What a gate asks: facts in adapters, strangers named by the model's own words, held-out text."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mnemon.weights import subjects
from mnemon.weights.ask import Ask
from mnemon.weights.consolidation import sources
from mnemon.weights.lesson import lesson

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.memory import Memory

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Fact:
    """A question as it is put to the model, its answer, its subject, the key of its adapter, the
    text that tells it, and how that adapter was asked (None: nothing says so)."""

    question: str
    value: str
    subject: str
    adapter: str
    text: str = ""
    put: Ask | None = None

    def reading(self, text: str) -> str:
        """The question behind a text that is told before it."""
        return f"{text} {self.question}" if self.put is None else self.put.text(self.question, text)


def facts(memory: Memory, found: Iterable[Artifact]) -> list[Fact]:
    """What adapters were taught, in the order of their cubes; each cube's newest adapter counts."""
    keys = {id: one for one in found for id, _ in one.sources}
    told = []
    for cube in sources(memory, keys):
        if (read := lesson(cube)) is not None:
            put = Ask(keys[cube.id].header["options"]["ask"])
            asked, key = put.text(read.question), keys[cube.id].key
            told.append(Fact(asked, read.value, read.subject, key, cube.content, put))
    return told


def drawn(given: Sequence[Any], most: int) -> list[Any]:
    """At most so many, evenly spread."""
    if len(given) <= most:
        return list(given)
    return [given[at * len(given) // most] for at in range(most)]


def strangers(asked: Sequence[Fact], tokenizer: Any) -> list[Fact]:
    """The same questions about nobody: each subject is another word of the model's vocabulary."""
    names = _names(tokenizer, {word for one in asked for word in one.question.casefold().split()})
    if not names:
        return []
    return [
        Fact(
            one.question.replace(one.subject, name),
            one.value,
            name,
            one.adapter,
            one.text.replace(one.subject, name) if one.subject in one.text else "",
            one.put,
        )
        for one in asked
        for name in [names[_number(one.subject) % len(names)]]
        if one.subject in one.question
    ]


def readings(asked: Sequence[Fact], tokenizer: Any) -> list[tuple[str, str]]:
    """What any model can do by itself: (a text about nobody and its question, what the text says).

    Each text is a fact's, with another name and the value of the next fact.
    """
    others = strangers(asked, tokenizer)
    values = [one.value for one in others[1:] + others[:1]]
    return [
        (one.reading(one.text.replace(one.value, value)), value)
        for one, value in zip(others, values, strict=True)
        if one.value in one.text
    ]


def _names(tokenizer: Any, taken: Collection[str]) -> list[str]:
    return [word for word in _words(tokenizer, len(tokenizer)) if word not in taken]


@lru_cache(maxsize=1)
def _words(tokenizer: Any, size: int) -> list[str]:
    # A vocabulary takes longer to read than a question to answer, and each check asks for it.
    words = (tokenizer.decode([id]).strip() for id in range(size))
    return [word for word in words if len(word) > 3 and word.isalpha()]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def older(
    memory: Memory, found: Collection[Artifact], known: Mapping[str, str], most: int
) -> list[str]:
    """A namespace's own oldest texts that are in none of some adapters, those that name one of
    their subjects first: there an adapter is worn."""
    taught = {id for one in found for id, _ in one.sources}
    named, others = list[str](), list[str]()
    for text in _texts(memory, taught):
        of = named if subjects.named(text, known, memory.namespace) else others
        of.append(text)
        if len(named) >= most:
            break
    return [*named, *others][:most]


def _texts(memory: Memory, but: Collection[str]) -> Iterator[str]:
    page = memory.list(limit=_PAGE)
    yield from (cube.content for cube in page if cube.id not in but and not cube.policy.readers)
