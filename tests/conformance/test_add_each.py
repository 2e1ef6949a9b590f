"""Several callers' cubes in one durable write: each caller's all or none, whoever else failed."""

from __future__ import annotations

from mnemon.cube import Span
from mnemon.errors import KeyReused, NotFound
from mnemon.store.packing import unpack
from mnemon.store.rows import Addition, Filter

from .rows import HOME, ME, add, found, made_from, new, space, vectors


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
    first, other, again = store.add_each(
        [addition(new(text, key="k")) for text in ("one", "two", "one")]
    )
    assert (again[0].id, again[0].new) == (first[0].id, False)
    assert isinstance(other, KeyReused) and other.id == first[0].id
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


def test_each_has_its_own_vector_and_its_own_words(store):
    store.create_space(space("s"))
    known = {"content": "before", "key": "known"}
    add(store, "before", key="known")
    given = [
        Addition(HOME, [new("one red"), new("two")], vectors("s", [[1, 0, 0], [0, 1, 0]]), ME),
        Addition(HOME, [new(**known)], vectors("s", [[9, 9, 9]]), ME),
        Addition("other", [new("three red")], vectors("s", [[0, 0, 1]]), ME),
        Addition(HOME, [new("none")], None, ME),
        Addition(HOME, [new("four"), new(**known)], vectors("s", [[1, 1, 0]] * 2), "ben"),
    ]
    done = store.add_each(given)
    assert [[added.new for added in one] for one in done] == [
        [True, True], [False], [True], [True], [True, False],
    ]  # fmt: skip
    told = {row: cube.content for row, cube in store.select(Filter(HOME))}
    _, nums, _ = store.headers(HOME, 0)
    kept = store.vectors(nums, "s", 0)
    whole = unpack([blob for _, blob in kept], 3)
    made = {told[row]: (one > 0).tolist() for (row, _), one in zip(kept, whole, strict=True)}
    assert made == {
        "one red": [True, False, False], "two": [False, True, False], "four": [True, True, False],
    }  # fmt: skip
    (held,) = store.postings(nums, ["red"])
    assert [told[row] for row in held.tolist()] == ["one red"]
    events = store.journal(HOME, None, 0, 10)
    assert [(event.actor, event.detail["cubes"], event.cube) for event in events[-3:]] == [
        (ME, 2, None), (ME, 1, done[3][0].id), ("ben", 1, done[4][0].id),
    ]  # fmt: skip


def test_many_at_once(store):
    done = store.add_each([addition(new(f"number {n % 70}", key=f"k{n % 70}")) for n in range(100)])
    assert [one[0].new for one in done] == [True] * 70 + [False] * 30
    assert found(store) == [f"number {n}" for n in range(70)]
    assert [one[0].id for one in done[70:]] == [one[0].id for one in done[:30]]
