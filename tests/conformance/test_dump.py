"""Dump and restore: lossless, idempotent."""

from __future__ import annotations

from mnemon.cube import Link, Policy, Span
from mnemon.instant import from_micros

from .rows import HOME, ME, add, found, made_from, new


def filled(store):
    policy = Policy(("ana",), ("ana", "ben"), from_micros(9_000_000), compile=False)
    one, two = add(
        store, "one", "zwei ü 名", speaker="Ana", session="s", metadata={"a": [1, None], "é": 0.1},
        source="file:1", policy=policy, confidence=0.25, valid_from=-5, valid_to=77,
    )  # fmt: skip
    add(store, "three", namespace="acme/ana/deep", key="k")
    add(store, "beside", namespace="beside")
    store.update(one, 1, new("uno", spans=(Span(two, 1, 0, 3),)), None, ME, "update")
    store.link(HOME, Link(one, "about", two, 0.5, {"w": 1}), ME)
    store.link(HOME, Link(two, "next", one), ME)
    store.unlink(HOME, Link(two, "next", one), ME)
    store.judge(HOME, one, True)
    store.purge(add(store, "gone"), ME)
    return one, two


def restored(store, records):
    cubes = [record for record in records if "cube" in record]
    rest = [record for record in records if "cube" not in record]
    return store.restore(cubes, None, ME), store.restore_rest(rest)


def test_a_dump_restored_elsewhere_dumps_the_same(store, other):
    filled(store)
    records = list(store.dump(None))
    assert restored(other, records) == (4, 2)
    assert list(other.dump(None)) == records


def test_cubes_are_equal_after_restoring(store, other):
    one, _ = filled(store)
    restored(other, list(store.dump(None)))
    assert other.history(HOME, one) == store.history(HOME, one)
    assert other.links(HOME, one) == store.links(HOME, one)


def test_words_are_found_after_restoring(store, other):
    filled(store)
    restored(other, list(store.dump(None)))
    nums = other.headers(HOME, 0)[1]
    assert [len(rows) for rows in other.postings(nums, ["zwei", "uno", "nowhere"])] == [1, 1, 0]


def test_restoring_twice_adds_nothing(store, other):
    filled(store)
    records = list(store.dump(None))
    restored(other, records)
    assert restored(other, records) == (0, 0)
    assert restored(other, [records[0], records[0]]) == (0, 0)


def test_a_cube_twice_in_one_dump_is_one_cube(store, other):
    filled(store)
    records = [record for record in store.dump(None) if "cube" in record]
    assert restored(other, records + records) == (4, 0)


def test_a_scope_dumps_itself_only(store):
    filled(store)
    records = list(store.dump("acme"))
    assert {r["namespace"] for r in records if "cube" in r} == {HOME, "acme/ana/deep"}
    assert not any("tombstone" in record for record in records)


def test_a_tombstone_does_not_touch_the_living(store, other):
    filled(store)
    (id,) = add(other, "alive")
    other.restore_rest([{"tombstone": id, "purged_at": 1}])
    assert found(other) == ["alive"]


def test_a_live_link_is_not_restored_to_a_forgotten_cube(store, other):
    one, two = add(store, "one", "two")
    restored(other, list(store.dump(None)))
    store.link(HOME, Link(one, "about", two), ME)
    other.retire([two], ME)
    assert restored(other, list(store.dump(None))) == (0, 0)


def test_a_summary_of_what_has_changed_here_is_not_restored(store, other):
    (id,) = add(store, "one")
    restored(other, list(store.dump(None)))
    store.add(HOME, [made_from("sum", (id, 1))], None, ME)
    other.update(id, 1, new("uno"), None, ME, "update")
    assert restored(other, list(store.dump(None))) == (0, 0)
    assert found(other) == ["uno"]
