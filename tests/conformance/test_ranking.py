"""What ranking reads: headers, changes, postings, vectors, and embedding spaces."""

from __future__ import annotations

import numpy as np
import pytest

from mnemon.errors import DimensionMismatch, EmbedderError, SpaceMoved
from mnemon.store.packing import unpack
from mnemon.store.rows import Filter, Headers
from mnemon.store.scope import Scope

from .rows import HOME, ME, add, found, new, space, vectors


def columns(store, scope=HOME, after=0):
    headers = store.headers(scope, after)[2]
    return [dict(zip(Headers.NAMES, column, strict=False)) for column in headers.columns]


def test_headers_tell_every_version_in_row_order(store):
    (id,) = add(store, "one two three", speaker="Ana")
    store.update(id, 1, new("four"), None, ME, "update")
    old, current = columns(store)
    assert (old["length"], old["speaker"], current["length"]) == (3, "Ana", 1)
    assert old["retired_at"] == current["recorded_at"]
    assert current["retired_at"] is None


def test_headers_of_a_subtree_are_in_row_order_and_go_on_after_a_row(store):
    for path in ("acme/b", "acme/a", "beside", "acme/b/c"):
        add(store, path, namespace=path)
    rows = [one["row"] for one in columns(store, "acme")]
    assert rows == sorted(rows)
    assert len(rows) == 3
    assert [one["row"] for one in columns(store, "acme", rows[0])] == rows[1:]


def test_changes_name_the_rows_that_ended(store):
    one, two = add(store, "one", "two")
    before = store.sequence(HOME)
    store.update(one, 1, new("uno"), None, ME, "update")
    store.retire([two], ME)
    changes = store.changes(HOME, before)
    assert {row for row, _ in changes.retired} == {one["row"] for one in columns(store)[:2]}
    assert (changes.seq, changes.rebuild) == (store.sequence(HOME), False)


def test_changes_are_those_of_the_scope(store):
    (inside,) = add(store, "one", namespace=f"{HOME}/below")
    (beside,) = add(store, "two", namespace=f"{HOME}0")
    before = store.sequence(HOME)
    store.update(beside, 1, new("dos"), None, ME, "update")
    assert store.changes(HOME, before).retired == ()
    store.retire([inside], ME)
    (row,) = columns(store)
    assert [ended for ended, _ in store.changes(HOME, before).retired] == [row["row"]]
    assert len(store.changes(f"{HOME}0", before).retired) == 1


def test_a_purge_asks_for_a_new_start(store):
    ids = add(store, "one", "two")
    before = store.sequence(HOME)
    store.purge(ids[:1], ME)
    assert store.changes(HOME, before).rebuild
    assert not store.changes(HOME, store.sequence(HOME)).rebuild


def test_postings_hold_a_row_for_each_occurrence(store):
    add(store, "cat cat dog", "dog")
    add(store, "cat", namespace="acme/ben")
    nums = store.headers(HOME, 0)[1]
    first, second = (one["row"] for one in columns(store))
    cat, dog, bird = (one.tolist() for one in store.postings(nums, ["cat", "dog", "bird"]))
    assert (cat, sorted(dog), bird) == ([first, first], [first, second], [])


def test_postings_of_what_was_purged_are_gone(store):
    ids = add(store, "cat", "cat dog")
    store.purge(ids[:1], ME)
    nums = store.headers(HOME, 0)[1]
    assert store.postings(nums, ["cat"])[0].tolist() == [columns(store)[0]["row"]]


def test_posting_lists_are_scanned_in_order_of_their_terms(store):
    add(store, "cat bird cat zoo", "dog bird élan", "cat")
    add(store, "ant cat", namespace="acme/ben")
    (num,) = store.headers(HOME, 0)[1]

    def scanned(after, before=None):
        found = []
        while more := store.scan_postings(num, after, before, 1):
            found += [(term, rows.tolist()) for term, rows in more]
            after = more[-1][0]
        return found

    terms = ["bird", "cat", "dog", "zoo", "elan"]
    lists = dict(zip(terms, map(list, store.postings([num], terms)), strict=True))
    assert scanned("") == sorted(lists.items())
    assert [term for term, _ in scanned("bird", "zoo")] == ["cat", "dog", "elan"]
    assert scanned("zoo") == [] and scanned("cat", "dog") == []


def test_vectors_come_back_as_they_were_but_for_rounding(store):
    store.create_space(space("a", state="active"))
    rows = [[0.1, 0.2, 0.9], [-1, 0, 0.5]]
    store.add(HOME, [new("one"), new("two")], vectors("a", rows), ME)
    packed = store.vectors(store.headers(HOME, 0)[1], "a", 0)
    assert [row for row, _ in packed] == [one["row"] for one in columns(store)]
    np.testing.assert_allclose(unpack([b for _, b in packed], 3), rows, atol=0.005)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (vectors("a", [[1, 2]]), DimensionMismatch),
        (vectors("a", [[1, 2, np.nan]]), EmbedderError),
        (vectors("nowhere", [[1, 2, 3]]), SpaceMoved),
    ],
)
def test_a_bad_vector_writes_nothing(store, bad, error):
    store.create_space(space("a", state="active"))
    with pytest.raises(error):
        store.add(HOME, [new("one")], bad, ME)
    assert found(store) == []
    assert store.journal(HOME, None, 0, 10) == []


def test_a_space_becomes_active_only_when_complete(store):
    store.create_space(space("a", state="active"))
    store.add(HOME, [new("one"), new("two")], vectors("a", [[1, 0, 0]] * 2), ME)
    store.create_space(space("b", 2))
    missing = store.missing_vectors("b", 0, 10)
    assert [content for _, _, content in missing] == ["one", "two"]
    store.write_vectors([missing[0][0]], vectors("b", [[1, 0]]))
    assert not store.activate_space("b", keep=False)
    assert store.active_space().name == "a"
    store.write_vectors([missing[1][0]], vectors("b", [[1, 0]]))
    assert store.activate_space("b", keep=False)
    assert store.active_space().name == "b"


@pytest.mark.parametrize("keep", [True, False])
def test_the_old_space_stays_beside_it_if_asked(store, keep):
    store.create_space(space("a", state="active"))
    store.add(HOME, [new("one")], vectors("a", [[1, 0, 0]]), ME)
    store.create_space(space("b", 2))
    store.write_vectors([columns(store)[0]["row"]], vectors("b", [[1, 0]]))
    store.activate_space("b", keep=keep)
    nums = store.headers(HOME, 0)[1]
    assert len(store.vectors(nums, "a", 0)) == keep
    assert len(store.vectors(nums, "b", 0)) == 1


def test_a_space_left_behind_takes_no_late_vectors(store):
    store.create_space(space("a", state="active"))
    store.create_space(space("b"))
    store.activate_space("b", keep=False)
    with pytest.raises(SpaceMoved):
        store.add(HOME, [new("one")], vectors("a", [[1, 0, 0]]), ME)
    assert found(store) == []


def test_vectors_for_rows_purged_meanwhile_are_passed_over(store):
    ids = add(store, "one")
    row = columns(store)[0]["row"]
    store.create_space(space("a"))
    store.purge(ids, ME)
    store.write_vectors([row], vectors("a", [[1, 0, 0]]))
    assert store.activate_space("a", keep=False)


def test_a_scope_follows_every_change(store):
    scope = Scope(store, HOME)
    one, two = add(store, "cat", "cat dog")

    def seen():
        view = scope.view(Filter(HOME), None, ["cat"], store.sequence(HOME))
        return int(view.eligible.sum()), len(view.postings["cat"][0])

    assert seen() == (2, 2)
    store.update(one, 1, new("bird"), None, ME, "update")
    assert seen() == (2, 2)
    store.retire([two], ME)
    assert seen() == (1, 2)
    store.purge([two], ME)
    assert seen() == (1, 1)


def test_a_scope_misses_nothing_written_between_its_reads(store):
    class Busy:
        """Something ends right after the scope has asked for changes."""

        def __getattr__(self, name):
            return getattr(store, name)

        def changes(self, scope, after):
            seen = store.changes(scope, after)
            store.retire([one], ME)
            return seen

    scope = Scope(Busy(), HOME)
    one, two = add(store, "cat", "cat")
    for id in (None, two, None):
        store.retire([id] if id else [], ME)
        view = scope.view(Filter(HOME), None, [], store.sequence(HOME))
    assert view.eligible.sum() == 0
