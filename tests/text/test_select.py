"""Choosing lines for a budget: what every method keeps to, and what covering means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory, methods
from mnemon.assembly.meter import Meter
from mnemon.assembly.page import Entry, Page
from mnemon.text.programs.default import Default
from mnemon.text.select import Lines

METHODS = methods.names("text.select")


def of(scores: Sequence[float], **more: Any) -> Lines:
    """Lines of ten tokens and one day, each by another speaker and of a word of its own."""
    total = len(scores)
    nowhere = np.full(total, total, dtype=np.int32)
    words: Sequence[Sequence[int]] = more.pop("words", [[place + 1] for place in range(total)])
    sizes = [len(ids) for ids in words]
    flat = np.asarray([id for ids in words for id in ids], dtype=np.int32)
    usual: dict[str, Any] = {
        "costs": np.full(total, 10.0, dtype=np.float32),
        "headings": np.zeros(total, dtype=np.float32),
        "days": np.zeros(total, dtype=np.int32),
        "speakers": np.arange(total, dtype=np.int32),
        "before": nowhere,
        "after": nowhere,
        "asks": np.zeros(total, dtype=bool),
        "bare": np.zeros(total, dtype=bool),
    }
    given = {name: np.asarray(value, dtype=usual[name].dtype) for name, value in more.items()}
    return Lines(
        scores=np.asarray(scores, dtype=np.float32),
        words=flat,
        starts=np.cumsum(sizes) - sizes,
        rarity=np.ones(len(flat), dtype=np.float32),
        **{**usual, **given},
    )


def taken(lines: Lines, budget: int, method: str = "covering", **options: Any) -> list[int]:
    """Places, in the order of taking, from a page that counts characters."""
    meter = Meter(lambda texts: [0 if text.isdigit() else len(text.strip()) for text in texts])
    entries = [
        Entry((place, 0), "d" * int(heading), "", False, int(cost))
        for place, (cost, heading) in enumerate(zip(lines.costs, lines.headings, strict=True))
    ]
    page = Page(entries, budget, meter)
    methods.load("text.select", method, **options).select(lines, page)
    assert page.left >= 0
    return page.taken


@pytest.mark.parametrize("method", METHODS)
@given(data=st.data())
def test_a_selection_fits_repeats_nothing_and_is_the_same_twice(
    method: str, data: st.DataObject
) -> None:
    total = data.draw(st.integers(0, 12))

    def drawn(values: st.SearchStrategy[Any]) -> list[Any]:
        return data.draw(st.lists(values, min_size=total, max_size=total))

    def beside(places: list[int]) -> list[int]:
        return [total if at == own else at for own, at in enumerate(places)]

    scores = sorted(drawn(st.floats(0, 1, width=32)), reverse=True)
    lines = of(
        scores,
        costs=drawn(st.integers(1, 30)),
        days=drawn(st.integers(0, 2)),
        speakers=drawn(st.integers(0, 2)),
        before=beside(drawn(st.integers(0, total))),
        after=beside(drawn(st.integers(0, total))),
        asks=drawn(st.booleans()),
        bare=drawn(st.booleans()),
        words=drawn(st.lists(st.integers(0, 5), min_size=1, max_size=4)),
    )
    budget = data.draw(st.integers(1, 120))
    places = taken(lines, budget, method)
    assert sum(float(lines.costs[place]) for place in places) <= budget
    assert len(set(places)) == len(places)
    assert places == taken(lines, budget, method)


@pytest.mark.parametrize("method", METHODS)
def test_all_that_was_found_is_taken_when_all_fits(method: str) -> None:
    assert sorted(taken(of([0.9, 0.5, 0.2]), 30, method)) == [0, 1, 2]


@pytest.mark.parametrize("method", METHODS)
def test_a_line_too_long_is_passed_over(method: str) -> None:
    assert taken(of([0.9, 0.5, 0.2], costs=[10, 90, 10]), 50, method) == [0, 2]


def test_best_takes_the_best_ranked() -> None:
    assert taken(of([0.9, 0.8, 0.5], words=[[1], [1], [2]]), 20, "best") == [0, 1]


@pytest.mark.parametrize("method", ["covering", "mmr"])
def test_what_is_said_already_is_worth_less(method: str) -> None:
    lines = of([0.9, 0.85, 0.6], words=[[1, 2], [2, 1], [3, 4]])
    assert taken(lines, 20, method) == [0, 2]


def test_what_an_unlikely_line_says_is_still_worth_saying() -> None:
    assert taken(of([0.004, 0.003, 0.0001], words=[[1], [1], [2]]), 20) == [0, 1]


def test_short_lines_are_preferred_to_a_long_one_of_little_more_worth() -> None:
    lines = of([0.5, 0.49, 0.48], costs=[40, 4, 4])
    assert taken(lines, 48) == [1, 2, 0] and taken(lines, 48, r=0.0) == [0, 1, 2]


def test_the_best_single_line_wins_over_a_crowd_that_leaves_no_room_for_it() -> None:
    lines = of([0.9, 0.1, 0.1], costs=[100, 1, 1])
    assert taken(lines, 100) == [0]


def test_a_new_day_costs_its_heading() -> None:
    lines = of([0.9, 0.5, 0.5], days=[0, 1, 0], headings=[30, 30, 30])
    assert taken(lines, 60) == [0, 2]


def test_a_question_comes_with_its_answer_and_a_bare_reply_with_what_it_answers() -> None:
    asked = of([0.9, 0.0, 0.4], asks=[True, False, False], after=[1, 3, 3])
    assert taken(asked, 20) == [0, 1]
    replied = of([0.9, 0.4, 0.0], bare=[True, False, False], before=[2, 3, 3])
    assert taken(replied, 20) == [0, 2]
    assert taken(replied, 19) == [1]  # half of an exchange is not taken: the other line is


def test_the_rest_of_a_burst_follows_its_best_line() -> None:
    lines = of([0.9, 0.2, 0.0, 0.0], speakers=[1, 2, 1, 3], before=[3, 4, 4, 4], after=[2, 4, 4, 4])
    assert taken(lines, 20) == [0, 2]
    assert 3 not in taken(lines, 90)  # another speaker's line is no part of it
    assert 2 not in taken(lines, 90, burst=0.0)


def test_a_program_names_its_selection() -> None:
    turns = [f"The {word} lies beside the old garden wall" for word in ("rake", "hose", "spade")]
    cited = []
    for select in (("best", {}), ("covering", {}), ("mmr", {"relevance": 0.5})):
        with Memory(":memory:", program=Default(select=select)) as memory:
            memory.add([*turns, *(f"Something else happened on day {i}" for i in range(40))])
            recalled = memory.recall("What lies beside the garden wall?", 60)
            assert recalled.trace[select[0]]["found"] == len(recalled.hits) > 2
            cited.append(recalled.text)
    assert all("spade" in text for text in cited)
