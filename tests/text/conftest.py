"""What the tests of channels share: a memory, looked at as the channels see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mnemon import Memory, methods
from mnemon.instant import parse, to_micros
from mnemon.store.rows import Filter
from mnemon.text.query import Ranking
from mnemon.text.retrieve import Expand

Told = dict[str, str]
Ask = Callable[..., tuple[list[str], Told]]


def ranked(memory: Memory, name: str, question: str, at: str | None, **options: Any) -> Any:
    """(view, ranking) of a channel, after `words` and `meaning` where it starts from others."""
    when = None if at is None else to_micros(parse(at))
    view, query = memory._searcher.look(question, Filter(memory.namespace), when)

    def run(one: str, **given: Any) -> Ranking:
        channel = methods.load("text.retrieve", one, **given)
        if isinstance(channel, Expand):
            before = {other: run(other) for other in ("words", "meaning")}
            return channel.expand(view, query, before)
        return channel.retrieve(view, query)

    return view, run(name, **options)


@pytest.fixture
def empty() -> Iterator[Memory]:
    """A memory with nothing in it, searched without a ranker."""
    with Memory(":memory:", program="fused") as memory:
        yield memory


@pytest.fixture
def ask(empty: Memory) -> Ask:
    """(channel, question, at=, options) → (contents in its order, content → explanation)."""

    def call(name: str, question: str, at: str | None = None, **options: Any) -> Any:
        view, ranking = ranked(empty, name, question, at, **options)
        indices = ranking.indices.tolist()
        contents = view.texts(indices)
        told = ranking.why(indices) if ranking.why and indices else [""] * len(indices)
        return contents, dict(zip(contents, told, strict=True))

    return call
