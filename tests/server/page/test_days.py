from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.server.page import days

TODAY = date(2025, 6, 1)
MOMENTS = st.one_of(
    st.datetimes(min_value=datetime(2025, 5, 20), max_value=datetime(2025, 6, 9)),
    st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31, 23, 59)),
    st.just(datetime(2025, 5, 31, 12)),
)


def pages(ask, want):
    """All pages, as a reader turns them."""
    page = days.page(ask, TODAY, want=want)
    yield page
    while page.before is not None:
        page = days.page(ask, TODAY, page.before, page.after, want=want)
        yield page


@settings(max_examples=25)
@given(st.lists(MOMENTS, max_size=30), st.integers(1, 12), st.sampled_from([3, 8, 500]))
def test_the_pages_hold_everything_once_newest_day_first(moments, want, most):
    with Memory(":memory:") as memory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(days, "_MOST", most)
        if moments:
            memory.add([{"content": f"turn {n}", "at": at} for n, at in enumerate(moments)])
        turned = list(pages(partial(memory.list), want))
        shown = [cube for page in turned for day in page.days for cube in day.cubes]
        assert sorted(cube.content for cube in shown) == sorted(c.content for c in memory.list())
        on = [cube.valid_from.date() for cube in shown]
        assert on == sorted(on, reverse=True)
        for page in turned:
            for day in page.days:
                assert {cube.valid_from.date() for cube in day.cubes} <= {day.date.date()}


def test_a_day_reads_in_the_order_of_its_times():
    with Memory(":memory:") as memory:
        start = datetime(2025, 3, 2, 9, tzinfo=UTC)
        for minutes in (30, 0, 15):
            memory.add(f"at {minutes}", at=start + timedelta(minutes=minutes))
        (day,) = days.page(memory.list, TODAY).days
        assert [cube.content for cube in day.cubes] == ["at 0", "at 15", "at 30"]


def test_a_busy_today_is_found_without_looking_through_the_whole_future():
    asked = []
    with Memory(":memory:") as memory:
        memory.add([{"content": f"turn {n}", "at": "2025-06-01T10:00"} for n in range(300)])

        def ask(**of):
            asked.append(of)
            return memory.list(**of)

        (day,) = days.page(ask, TODAY).days
    assert len(day.cubes) == days.WANT
    assert len(asked) <= 5  # each looks through all there is
