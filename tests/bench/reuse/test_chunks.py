"""Chunks that could be read alone, and questions that need several of them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mnemon.bench.recall import text
from mnemon.bench.reuse.chunks import ONE, SEVERAL, Chunked, chunked
from mnemon.errors import InvalidInput, UnknownName


@pytest.mark.parametrize("task", [*SEVERAL, *ONE])
def test_sizes_are_exact_and_a_seed_gives_the_same(task: str) -> None:
    one = chunked(task, 800, 7, seed=3)
    assert one == chunked(task, 800, 7, seed=3) != chunked(task, 800, 7, seed=4)
    assert len(one.head) + sum(map(len, one.chunks)) == 800
    assert max(map(len, one.chunks)) - min(map(len, one.chunks)) <= 1
    assert one.prompt == (*one.head, *sum(one.chunks, ()), *one.question.ids)


def saying(asked: Chunked, *phrases: str) -> list[int]:
    """The chunks in which each phrase stands, whole."""
    told = [text(one) for one in asked.chunks]
    return [next(at for at, one in enumerate(told) if phrase in one) for phrase in phrases]


@pytest.mark.parametrize("seed", range(4))
def test_a_chain_crosses_chunks_in_its_order(seed: int) -> None:
    asked = chunked("vt", 1024, 8, seed)
    names = text(asked.question.answer[:-1]).split()
    steps = [f"VAR {later} = VAR {before} ." for before, later in pairwise(names)]
    places = saying(asked, f"VAR {names[0]} = x", *steps)
    assert places == sorted(set(places))


@pytest.mark.parametrize("seed", range(4))
def test_values_of_one_key_lie_in_different_chunks(seed: int) -> None:
    asked = chunked("multivalue", 1024, 8, seed)
    values = text(asked.question.answer[:-1]).split(" , ")
    places = saying(asked, *(f"{one} ." for one in values))
    assert len(set(places)) == 4


@pytest.mark.parametrize("seed", range(4))
def test_a_fact_is_told_anew_in_a_later_chunk(seed: int) -> None:
    asked = chunked("update", 1024, 8, seed)
    fact = " ".join(text(asked.question.ids).split()[4:7])
    (latest,) = saying(asked, f"{fact} is now {text(asked.question.answer[:-1])} .")
    told = [at for at, one in enumerate(asked.chunks) if f"{fact} is" in text(one)]
    assert told[-1] == latest and len(told) >= 2


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(UnknownName, match="vt"):
        chunked("vtt", 800, 8, 0)
    with pytest.raises(InvalidInput, match="at least 5 chunks"):
        chunked("vt", 800, 2, 0)
    with pytest.raises(InvalidInput, match="no room"):
        chunked("update", 150, 8, 0)
