"""The days that a question asks about, and the cubes of or about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.errors import InvalidTime
from mnemon.text.programs.default import Default
from mnemon.text.query import Query
from mnemon.text.retrieve._asked_time import days_named

TIMED = Default(channels=(("words", 1.0, {}), ("time", 1.0, {})), rerank=None)


def add(memory: Memory, **said: str) -> None:
    """`_2023_05_08="text"`: a note of each day."""
    for day, text in said.items():
        memory.add(text, at=day.strip("_").replace("_", "-"), session=day)


def test_the_days_a_question_names_are_told_in_microseconds() -> None:
    now = int(datetime(2023, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000
    day = 86_400_000_000

    def days(text: str) -> list[tuple[int, int]]:
        return days_named(Query(text, (), frozenset()), now)

    assert days("Who went to the beach?") == []
    (first, last), = days("What did she do on 8 May 2023?")  # fmt: skip
    assert (first, last) == (now - 24 * day, now - 23 * day - 1)
    every = days("What did she do in March?")  # of any year
    assert len(every) > 5 and all(one[0] > two[0] for one, two in pairwise(every))


def test_a_question_that_names_no_time_ranks_nothing(empty, ask) -> None:
    add(empty, _2023_05_08="I went to the beach.")
    assert ask("time", "Who went to the beach?")[0] == []


def test_a_cube_of_the_asked_days_comes_first(empty, ask) -> None:
    add(
        empty, _2023_02_20="We sat by the river.", _2023_03_14="We sat in the park.",
        _2023_09_01="We sat at home.",
    )  # fmt: skip
    found, told = ask("time", "Where did we sit in March 2023?", at="2024-01-01")
    assert found[0] == "We sat in the park."
    assert told[found[0]] == "of 14 Mar 2023; asked “March 2023”: 1 to 31 Mar 2023"
    assert "We sat at home." not in found


def test_a_cube_counts_for_the_day_it_speaks_of(empty, ask) -> None:
    add(
        empty, _2023_05_04="Nothing new.", _2023_05_08="We went swimming last Friday.",
        _2023_05_15="We went swimming last Friday!",
    )  # fmt: skip
    found, told = ask("time", "What happened on 5 May 2023?", at="2023-06-01")
    assert found[0] == "We went swimming last Friday."
    assert told[found[0]].startswith("says “last Friday”: 5 May 2023; asked “5 May 2023”")


def test_relative_times_count_from_when_the_question_is_asked() -> None:
    with Memory(":memory:", program=TIMED) as memory:
        add(memory, _2022_03_10="I sang in Rome.", _2023_03_10="I sang in Oslo.")
        asked = "Where did I sing last March?"
        assert memory.search(asked, at="2022-06-01")[0].cube.content == "I sang in Rome."
        assert memory.search(asked, at="2023-06-01")[0].cube.content == "I sang in Oslo."
        assert "Rome" in memory.recall(asked, 20, at="2022-06-01").text
        with pytest.raises(InvalidTime):
            memory.search(asked, at="whenever")
        with pytest.raises(InvalidTime):
            memory.recall(asked, at="whenever")


def test_a_month_without_a_year_is_the_latest_that_the_memory_has(empty, ask) -> None:
    add(empty, _2021_07_10="In Rome.", _2022_07_10="In Oslo.", _2022_11_10="In Bern.")
    found, _ = ask("time", "Where was I in July?", at="2030-01-01")
    assert found == ["In Oslo.", "In Rome."]


def test_days_beside_an_event_that_the_question_describes(empty, ask) -> None:
    add(
        empty,
        _2023_04_21="I bought paint for the fence.",
        _2023_05_08="Her birthday party was lovely, so many candles!",
        _2023_05_12="I fixed the fence.",
        _2023_11_12="The fence fell down.",
    )
    asked = "What did I buy two weeks before the birthday party?"
    found, told = ask("time", asked, at="2024-01-01")
    assert found[0] == "I bought paint for the fence."
    assert "“two weeks before the birthday party”: 21 to 27 Apr 2023" in told[found[0]]
    found, _ = ask("time", "What did I fix after the birthday party?", at="2024-01-01")
    assert "I fixed the fence." in found
    assert "I bought paint for the fence." not in found


def test_an_event_that_nothing_tells_of_is_no_anchor(empty, ask) -> None:
    add(empty, _2023_05_08="I went to the beach.")
    assert ask("time", "What did I do after the surgery?", at="2024-01-01")[0] == []


def test_what_others_found_counts_more_among_the_same_days(empty, ask) -> None:
    add(empty, _2023_05_08="Beans for lunch.", _2023_05_09="I saw a whale at the beach.")
    found, _ = ask("time", "What was at the beach in May 2023?", at="2024-01-01")
    assert found == ["I saw a whale at the beach.", "Beans for lunch."]
    found, _ = ask("time", "What was at the beach in May 2023?", at="2024-01-01", topic=0.0)
    assert found == ["Beans for lunch.", "I saw a whale at the beach."]


NOTES = ["We swam yesterday.", "We cooked.", "Last Friday we sang.", "Two days ago it rained."]


@given(
    st.lists(st.integers(0, 60), min_size=4, max_size=4, unique=True),
    st.integers(0, 60),
    st.integers(-40, 40),
)
def test_moving_question_and_cubes_by_the_same_weeks_moves_nothing_else(
    places: list[int], asked: int, weeks: int
) -> None:
    rankings = []
    for by in (timedelta(0), timedelta(weeks=weeks)):
        start = datetime(2023, 5, 1, 12, tzinfo=UTC) + by
        with Memory(":memory:", program=TIMED) as memory:
            for note, day in zip(NOTES, places, strict=True):
                memory.add(note, at=start + timedelta(days=day), session=note)
            hits = memory.search("What was two weeks ago?", at=start + timedelta(days=asked))
            rankings.append([(hit.cube.content, round(hit.score, 5)) for hit in hits])
    assert rankings[0] == rankings[1]


@given(st.integers(0, 3650), st.integers(1, 12))
def test_a_cube_of_the_asked_day_is_worth_more_than_one_farther_off(day: int, off: int) -> None:
    then = datetime(2015, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
    notes = {-off - 1: "oak", -off: "ash", 0: "elm", off: "fir", off + 1: "yew"}
    with Memory(":memory:", program=TIMED) as memory:
        for away, note in notes.items():
            memory.add(note, at=then + timedelta(days=away), session=note)
        found = [hit.cube.content for hit in memory.search(f"What about {then:%d %B %Y}?")]
        assert found[0] == "elm"
        # What happened is told soon after: the same days earlier count less.
        assert "ash" not in found or found.index("fir") < found.index("ash")
