"""The times a text speaks of, seen from the day on which it was said."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon.text import dates
from mnemon.text.when import read

MONDAY = date(2023, 5, 8)


def days(text: str, said: date = MONDAY) -> list[str]:
    """Each time as "2023-05-05" or "2023-05-01/2023-05-31"."""
    return [
        str(one.first) if one.first == one.last else f"{one.first}/{one.last}"
        for one in read(text, said)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We went last Friday.", "2023-05-05"),
        ("I went yesterday", "2023-05-07"),
        ("the day before yesterday", "2023-05-06"),
        ("we leave the day after tomorrow", "2023-05-10"),
        ("last night was fun", "2023-05-07"),
        ("on Wednesday I swam", "2023-05-03"),
        ("see you on Wednesday", "2023-05-10"),
        ("next Friday", "2023-05-12"),
        ("last week", "2023-05-01/2023-05-07"),
        ("last weekend", "2023-05-06/2023-05-07"),
        ("this weekend", "2023-05-13/2023-05-14"),
        ("next month we move", "2023-06-01/2023-06-30"),
        ("last year", "2022-01-01/2022-12-31"),
        ("two weeks ago", "2023-04-21/2023-04-27"),
        ("three days ago", "2023-05-05"),
        ("a couple of days ago", "2023-05-05/2023-05-07"),
        ("in two weeks", "2023-05-19/2023-05-25"),
        ("over the last two weeks", "2023-04-24/2023-05-08"),
        ("in March 2021", "2021-03-01/2021-03-31"),
        ("in March", "2023-03-01/2023-03-31"),
        ("last March", "2023-03-01/2023-03-31"),
        ("we will go in March", "2024-03-01/2024-03-31"),
        ("on 5 May", "2023-05-05"),
        ("May 5th, 2021", "2021-05-05"),
        ("Friday, 5 May 2023", "2023-05-05"),
        ("3-5 May 2023", "2023-05-03/2023-05-05"),
        ("2021-05-04", "2021-05-04"),
        ("5.4.2021", "2021-04-05"),
        ("4/5/2021", "2021-04-05"),
        ("15/4/2021", "2021-04-15"),
        ("in 2021", "2021-01-01/2021-12-31"),
        ("last summer", "2022-06-01/2022-08-31"),
        ("last summer 2021", "2021-06-01/2021-08-31"),
        ("in the winter of 2021", "2021-12-01/2022-02-28"),
        ("at Christmas", "2022-12-24/2022-12-26"),
        ("Thanksgiving 2023", "2023-11-23"),
        ("Easter 2024", "2024-03-29/2024-04-01"),
        ("early June 2021", "2021-06-01/2021-06-11"),
        ("the last week of October 2021", "2021-10-25/2021-10-31"),
        ("the Friday before 15 July 2023", "2023-07-14"),
        ("the week before 6 March 2023", "2023-02-27/2023-03-05"),
        ("two weeks before 23 January 2023", "2023-01-06/2023-01-12"),
        ("between August and November 2021", "2021-08-01/2021-11-30"),
        ("between November and February 2021", "2020-11-01/2021-02-28"),
        ("since March 2023", "2023-03-01/2023-05-08"),
        ("after Easter 2023", "2023-04-11/2023-04-24"),
        ("by 7 November 2022", "2022-10-24/2022-11-07"),
    ],
)
def test_an_expression_is_its_days(text: str, expected: str) -> None:
    assert days(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "May I ask you to march on?", "32 Octobers", "31 June 2021, maybe", "9999999 years ago",
        "it cost 2000 euros", "twice in a week", "Wow, that's cool!", "April said so", "",
    ],
)  # fmt: skip
def test_other_words_are_no_time(text: str) -> None:
    assert [one for one in days(text) if "2021-06-31" in one or "/" not in one] == []


def test_a_text_may_speak_of_several_times() -> None:
    text = "Yesterday we talked of last summer, and of Oslo in March 2021."
    assert days(text) == ["2023-05-07", "2022-06-01/2022-08-31", "2021-03-01/2021-03-31"]
    assert [one.text for one in read(text, MONDAY)] == ["Yesterday", "last summer", "March 2021"]


def test_without_a_year_it_may_be_any_year() -> None:
    assert read("at Christmas", MONDAY)[0].recurs
    assert not read("last Christmas", MONDAY)[0].recurs
    assert not read("Christmas 2021", MONDAY)[0].recurs


DAYS = st.dates(date(1900, 1, 1), date(2099, 12, 31))  # as far as years are read in words
RELATIVE = ["yesterday", "last Friday", "three days ago", "two weeks ago", "next Tuesday"]


@given(DAYS, st.sampled_from(RELATIVE), st.integers(-500, 500))
def test_what_is_relative_moves_by_weeks_with_the_day_it_is_said(
    said: date, text: str, weeks: int
) -> None:
    by = timedelta(weeks=weeks)
    (near,), (far,) = read(text, said), read(text, said + by)
    assert (near.first + by, near.last + by) == (far.first, far.last)


@given(DAYS, DAYS)
def test_a_date_written_out_is_itself_whenever_it_is_said(day: date, said: date) -> None:
    for text in (day.isoformat(), f"{day:%d %B %Y}", f"{day:%B %d, %Y}", f"on {day:%d.%m.%Y}"):
        assert [(one.first, one.last) for one in read(text, said)] == [(day, day)]


@given(DAYS, st.text(max_size=200))
def test_any_text_can_be_read(said: date, text: str) -> None:
    found = read(text, said)
    for one in found:
        assert one.first <= one.last
        assert 0 <= one.start < one.end <= len(text) + 10
    assert [one.start for one in found] == sorted(one.start for one in found)


@given(st.dates(date(2, 1, 1), date(9990, 1, 1)), st.integers(-11, 11))
def test_months_later_and_earlier_are_months(day: date, months: int) -> None:
    later = dates.shifted(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day
    first, last = dates.month(day.year, day.month)
    assert first <= day <= last
    assert dates.plus(last, 1).day == 1


@given(st.integers(1583, 4000))
def test_feasts_are_on_their_weekday(year: int) -> None:
    assert dates.plus(dates.feast("easter", year)[1], -1).weekday() == 6
    thanksgiving, _ = dates.feast("thanksgiving", year)
    assert thanksgiving.weekday() == 3 and 22 <= thanksgiving.day <= 28
