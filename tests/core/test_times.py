"""When it was true, and when we knew it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mnemon.errors import InvalidInput, InvalidTime, NotFound, VersionConflict

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1969-07-20T20:17:40Z", datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC)),
        ("1850-01-01", datetime(1850, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2024-05-07T18:30:00+05:45", datetime(2024, 5, 7, 12, 45, tzinfo=UTC)),
        ("2024-01-01T00:00:00-11:30", datetime(2024, 1, 1, 11, 30, tzinfo=UTC)),
        (datetime(2024, 2, 29, 12, 0), datetime(2024, 2, 29, 12, tzinfo=UTC)),
        (
            datetime(2024, 1, 1, tzinfo=timezone(SECOND * 37)),
            datetime(2023, 12, 31, 23, 59, 23, tzinfo=UTC),
        ),
        (date(2024, 2, 29), datetime(2024, 2, 29, tzinfo=UTC)),
        (-1.5, datetime(1969, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_time_in_any_form_is_kept_in_utc(memory, given, expected):
    cube = memory.add("x", at=given)
    assert memory.get(cube.id).valid_from == expected
    assert memory.list(since=given) == [cube]
    assert memory.list(until=given) == []


@pytest.mark.parametrize(
    "bad",
    ["", "yesterday", "2024-13-01", "10000-01-01", "0000-01-01", 1e20, float("nan"), True,
     "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", [2024], float("inf")],
)  # fmt: skip
def test_a_time_that_cannot_be_is_refused(memory, bad):
    with pytest.raises(InvalidTime):
        memory.add("x", at=bad)
    with pytest.raises(InvalidTime):
        memory.list(as_of=bad)
    assert memory.count() == 0


def test_what_ends_before_it_begins_is_refused(memory):
    cube = memory.add("x", at="2024-01-02")
    with pytest.raises(InvalidInput):
        memory.update(cube.id, valid_to="2024-01-01")
    assert memory.get(cube.id).version == 1


def test_the_past_is_as_it_was(memory):
    cube = memory.add("The code is zebra")
    before = memory.get(cube.id).recorded_at
    memory.update(cube.id, "The code is giraffe")
    for found in (
        memory.get(cube.id, as_of=before),
        memory.list(as_of=before)[0],
        memory.search("zebra", as_of=before)[0].cube,
    ):
        assert (found.version, found.content) == (1, "The code is zebra")
    assert "zebra" in memory.recall("code", as_of=before).text
    assert memory.search("zebra code")[0].cube.content == "The code is giraffe"
    assert "zebra" not in memory.recall("zebra code").text


def test_before_it_was_known_there_was_nothing(memory):
    cube = memory.add("x", at="1990-01-01")
    early = cube.recorded_at - SECOND
    with pytest.raises(NotFound):
        memory.get(cube.id, as_of=early)
    assert memory.list(as_of=early) == memory.search("x", as_of=early) == []


def test_the_forgotten_is_found_in_the_past_only(memory):
    cube = memory.add("The meeting is in the aquarium")
    memory.forget(cube.id)
    assert memory.search("aquarium") == memory.list() == []
    assert memory.search("aquarium", as_of=cube.recorded_at)[0].cube.id == cube.id
    with pytest.raises(NotFound):
        memory.get(cube.id)
    assert memory.get(cube.id, as_of=cube.recorded_at).content == cube.content


def test_what_was_true_then(memory):
    old = memory.add("Ana lives in Porto", at="2010-01-01")
    memory.update(old.id, valid_to="2020-01-01")
    new = memory.add("Ana lives in Faro", at="2020-01-01")
    assert [hit.cube.id for hit in memory.search("Ana lives")] == [new.id]
    assert [hit.cube.id for hit in memory.search("Ana lives", valid_at="2015-01-01")] == [old.id]
    assert [cube.id for cube in memory.list(valid_at="2015-01-01")] == [old.id]
    assert memory.list(valid_at="2000-01-01") == []


def test_history_has_every_version_and_restore_brings_one_back(memory):
    cube = memory.add("one")
    memory.update(cube.id, "two", kind="fact")
    back = memory.restore(cube.id, 1)
    assert [(c.version, c.content) for c in memory.history(cube.id)] == [
        (1, "one"), (2, "two"), (3, "one"),
    ]  # fmt: skip
    assert (back.version, back.kind) == (3, "episode")
    assert memory.get(cube.id, version=2).content == "two"


def test_restore_brings_back_the_forgotten_and_search_finds_it(memory):
    cube = memory.add("a walrus")
    memory.forget(cube.id)
    assert memory.restore(cube.id).version == 2
    assert memory.search("walrus")[0].cube.id == cube.id
    with pytest.raises(NotFound):
        memory.restore(cube.id, 9)


def test_an_update_of_what_someone_else_changed_is_refused(memory, open_memory):
    cube = memory.add("one")
    open_memory().update(cube.id, "two")
    with pytest.raises(VersionConflict):
        memory.update(cube.id, "three", version=cube.version)
    assert memory.get(cube.id).content == "two"
    assert memory.update(cube.id, "three").version == 3


def test_a_version_conflict_on_a_forgotten_cube_is_not_found(memory):
    cube = memory.add("one")
    memory.forget(cube.id)
    with pytest.raises(NotFound):
        memory.update(cube.id, "two", version=1)
