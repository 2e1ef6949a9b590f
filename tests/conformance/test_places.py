"""Places of bytes, and the outbox of what is to be removed from them."""

from __future__ import annotations

import pytest

from .rows import HOME, ME, add, artifact, block, new


def outbox(store):
    return {(one.place.address, one.keys) for one in store.waiting()}


def test_a_place_is_known_once_by_its_address_and_host(store):
    here = store.add_place("/kv", "ana", "1")
    assert store.add_place("/kv", "ben", "2") != here
    again = store.add_place("/kv", "ana", "3")
    assert (again.num, again.mark) == (here.num, "3")
    remote = store.add_place("redis://cache", None, "")
    assert store.add_place("redis://cache", None, "") == remote
    assert [place.address for place in store.places()] == ["/kv", "/kv", "redis://cache"]


def ends_by_retiring(store, id):
    store.retire([id], ME)


def ends_by_purging(store, id):
    store.purge([id], ME)


def ends_by_sweeping(store, id):
    store.update(id, 1, new("changed"), None, ME, "update")
    store.sweep(HOME, ME)


@pytest.mark.parametrize("end", [ends_by_retiring, ends_by_purging, ends_by_sweeping])
def test_a_deletion_leaves_in_the_outbox_what_lies_elsewhere(store, end):
    (one,) = add(store, "one")
    folder, remote = store.add_place("/kv", "ana", "1"), store.add_place("s3://x", None, "")
    store.write_artifact(block("a", None, (one, 1)), ME)
    store.write_artifact(block("b", "a"), ME)
    store.write_artifact(artifact("inside", (one, 1)), ME)
    assert outbox(store) == set()
    end(store, one)
    assert outbox(store) == {("/kv", ("a", "b")), ("s3://x", ("a", "b"))}
    waiting = {one.place.num: one for one in store.waiting()}
    store.not_removed(remote)
    store.removed(waiting[folder.num])
    (left,) = store.waiting()
    assert (left.place, left.keys, left.tried_at > 0) == (remote, ("a", "b"), True)
    assert store.leave_place(remote) == 2
    assert store.waiting() == [] and store.places() == [folder]


def test_without_places_nothing_waits(store):
    (one,) = add(store, "one")
    store.write_artifact(block("a", None, (one, 1)), ME)
    store.retire([one], ME)
    assert store.waiting() == store.places() == []


def test_what_is_published_again_is_not_removed(store):
    one, two = add(store, "one", "one")
    store.add_place("/kv", "ana", "1")
    for id in (one, two):
        store.write_artifact(block("a", None, (id, 1)), ME)
        before = store.waiting()
        store.retire([id], ME)
        for late in before:  # of another deletion
            store.removed(late)
        assert outbox(store) == {("/kv", ("a",))}
        mine = store.waiting()
    (three,) = add(store, "one")
    store.write_artifact(block("a", None, (three, 1)), ME)
    assert store.waiting() == []
    store.retire([three], ME)
    for late in mine:
        store.removed(late)
    assert outbox(store) == {("/kv", ("a",))}


def test_which_keys_no_artifact_has(store):
    (one,) = add(store, "one")
    (two,) = add(store, "two", namespace="other/place")
    store.write_artifact(block("a", None, (one, 1)), ME)
    store.write_artifact(block("b", None, (two, 1), namespace="other/place"), ME)
    assert store.unknown_artifacts(["a", "b", "c"]) == {"c"}
    assert store.unknown_artifacts([]) == set()
