"""Deleting for good, and that nothing comes back."""

from __future__ import annotations

import pytest

from mnemon.cube import Link, Span
from mnemon.errors import NotFound, VersionConflict

from .rows import HOME, ME, add, artifact, found, made_from, new


def test_a_purge_deletes_every_version(store):
    (id,) = add(store, "old", "kept")[:1]
    store.update(id, 1, new("new"), None, ME, "update")
    gone, erased = store.purge([id], ME)
    assert (gone.ids, gone.versions, erased) == ((id,), 2, True)
    assert store.history(HOME, id) == []
    assert found(store) == ["kept"]


def test_purging_the_missing_is_no_error(store):
    add(store, "one")
    gone, _ = store.purge(["nobody"], ME)
    assert (gone.ids, gone.versions, gone.links, gone.artifacts) == ((), 0, 0, 0)
    assert found(store) == ["one"]


def test_a_purge_reaches_the_forgotten(store):
    (id,) = add(store, "one")
    store.retire([id], ME)
    assert store.purge([id], ME)[0].ids == (id,)


def test_everything_derived_goes_too(store):
    (id,) = add(store, "one")
    (summary,) = store.add(HOME, [made_from("sum", (id, 1))], None, ME)
    (mine,) = store.add(HOME, [new("mine", spans=(Span(summary.id, 1),))], None, ME)
    store.write_artifact(artifact("k", (mine.id, 1)), ME)
    doomed = store.doomed([id])
    assert store.purge([id], ME)[0] == doomed
    assert (set(doomed.ids), doomed.artifacts) == ({id, summary.id, mine.id}, 1)
    assert store.artifact(HOME, "k") is None


def test_links_go_with_either_end(store):
    one, two = add(store, "one", "two")
    store.link(HOME, Link(one, "about", two), ME)
    assert store.purge([two], ME)[0].links == 1
    assert store.links(HOME, one) == []


def test_a_name_and_a_path_go_with_the_last_cube(store):
    ids = add(store, "one", speaker="Ana")
    add(store, "two", speaker="Ben", namespace="acme")
    store.purge(ids, ME)
    assert store.namespaces(None) == [("acme", 1)]
    assert store.speakers("acme") == ["Ben"]


def test_the_key_is_free_again(store):
    ids = add(store, "one", key="k")
    store.purge(ids, ME)
    (again,) = store.add(HOME, [new("two", key="k")], None, ME)
    assert again.new
    assert again.id != ids[0]


def test_an_old_export_does_not_bring_it_back(store):
    ids = add(store, "one", "two")
    records = list(store.dump(None))
    store.purge(ids[:1], ME)
    assert store.unknown(ids) == (set(), {ids[0]})
    assert store.restore(records, None, ME) == 0
    assert found(store) == ["two"]


def test_an_export_does_not_bring_back_what_was_made_from_it(store, other):
    (id,) = add(store, "one")
    other.restore(list(store.dump(None)), None, ME)
    (sum,) = other.add(HOME, [made_from("sum", (id, 1))], None, ME)
    (more,) = other.add(HOME, [made_from("more", (sum.id, 1))], None, ME)
    store.purge([id], ME)
    assert store.restore(list(other.dump(None)), None, ME) == 0
    assert store.unknown([sum.id, more.id])[1] == {sum.id, more.id}


def test_a_late_write_of_what_was_made_from_it_is_refused(store):
    (id,) = add(store, "one")
    store.purge([id], ME)
    with pytest.raises(NotFound):
        store.add(HOME, [made_from("sum", (id, 1))], None, ME)
    assert found(store) == []


def test_a_late_update_is_refused(store):
    (id,) = add(store, "one")
    store.purge([id], ME)
    with pytest.raises(NotFound):
        store.update(id, 1, new("late"), None, ME, "update")


def test_a_late_count_of_reads_is_passed_over(store):
    (id,) = add(store, "one")
    store.purge([id], ME)
    store.count_reads({id: 3})
    assert found(store) == []


def test_no_row_is_used_twice(store):
    ids = add(store, "one", "two")
    before = store.headers(HOME, 0)[2].columns[-1][0]
    store.purge(ids, ME)
    add(store, "three")
    assert store.headers(HOME, 0)[2].columns[0][0] > before


def test_only_the_version_that_was_read_is_purged(store):
    (id,) = add(store, "one")
    store.update(id, 1, new("two"), None, ME, "update")
    with pytest.raises(VersionConflict):
        store.purge([id], ME, 1)
    assert [cube.content for cube in store.history(HOME, id)] == ["one", "two"]
    store.retire([id], ME)
    gone, _ = store.purge([id], ME, 2)
    assert (gone.ids, store.history(HOME, id)) == ((id,), [])
    with pytest.raises(NotFound):
        store.purge([id], ME, 2)
