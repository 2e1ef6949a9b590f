"""Several callers' cubes in one durable write: each caller's all or none, whoever else failed."""

from __future__ import annotations

from mnemon.cube import Span
from mnemon.errors import NotFound
from mnemon.store.rows import Addition

from .rows import HOME, ME, add, found, made_from, new


def addition(*rows, namespace=HOME):
    return Addition(namespace, rows, None, ME)


def test_each_gets_its_own_result_in_order(store):
    given = [
        addition(new("one"), new("two")),
        addition(),
        addition(new("three"), namespace="other/place"),
        addition(new("four")),
    ]
    done = store.add_each(given)
    assert [[added.id for added in one] for one in done] == [
        [row.id for row in one.rows] for one in given
    ]
    assert all(added.new for one in done for added in one)
    assert found(store) == ["one", "two", "four"]
    assert found(store, "other/place") == ["three"]
    assert store.add_each([]) == []


def test_who_fails_harms_nobody_and_leaves_nothing(store):
    (gone,) = add(store, "gone")
    store.purge([gone], ME)
    first, second, third = store.add_each(
        [
            addition(new("before")),
            addition(
                new("half", speaker="Ben"),
                made_from("late", (gone, 1)),
                namespace=f"{HOME}/new",
            ),
            addition(new("after", spans=(Span(new("x").id, 1),))),
        ]
    )
    assert isinstance(second, NotFound) and gone in str(second)
    assert [one.new for one in (*first, *third)] == [True, True]
    assert found(store) == ["before", "after"]
    assert store.speakers(HOME) == []
    assert store.namespaces(None) == [(HOME, 2)]
    events = store.journal(HOME, None, 0, 10)
    assert [event.verb for event in events][-2:] == ["add", "add"]
    assert events[-1].seq == events[-2].seq + 1


def test_a_key_of_one_is_seen_by_the_next(store):
    first, again = store.add_each([addition(new("one", key="k")), addition(new("two", key="k"))])
    assert (again[0].id, again[0].new) == (first[0].id, False)
    assert found(store) == ["one"]


def test_what_failed_wrote_no_key_and_no_number(store):
    (gone,) = add(store, "gone")
    store.purge([gone], ME)
    failed, done = store.add_each(
        [
            addition(new("one", key="k"), made_from("late", (gone, 1))),
            addition(new("two", key="k")),
        ]
    )
    assert isinstance(failed, NotFound)
    assert done[0].new
    assert store.headers(HOME, 0)[2].columns[0][0] > 0
    assert found(store) == ["two"]
