"""Artifacts: fresh by a join, never published stale, swept with their sources."""

from __future__ import annotations

import pytest

from mnemon.errors import StaleArtifact

from .rows import HOME, ME, add, artifact, new


def test_an_artifact_is_fresh_until_a_source_changes(store):
    one, two = add(store, "one", "two")
    store.write_artifact(artifact("k", (one, 1), (two, 1)), ME)
    row = store.artifact(HOME, "k")
    assert (row.fresh, row.payload, row.sources) == (True, b"abc", ((one, 1), (two, 1)))
    store.update(two, 1, new("zwei"), None, ME, "update")
    assert not store.artifact(HOME, "k").fresh
    assert store.stale_sources("k") == (two,)


def test_publishing_what_changed_meanwhile_is_refused(store):
    (one,) = add(store, "one")
    store.update(one, 1, new("uno"), None, ME, "update")
    with pytest.raises(StaleArtifact) as caught:
        store.write_artifact(artifact("k", (one, 1)), ME)
    assert caught.value.stale_sources == (one,)
    assert store.artifact(HOME, "k") is None


def test_artifacts_go_with_a_forgotten_source(store):
    one, two = add(store, "one", "two")
    store.write_artifact(artifact("k", (one, 1), (two, 1)), ME)
    store.write_artifact(artifact("l", (two, 1)), ME)
    assert store.ending([one]).artifacts == 1
    assert store.retire([one], ME) == ([one], ["k"])
    assert [row.key for row in store.artifacts(HOME, None, None)] == ["l"]


def test_a_sweep_deletes_the_stale_ones_of_its_scope(store):
    (one,) = add(store, "one")
    (two,) = add(store, "two", namespace="acme/ben")
    store.write_artifact(artifact("k", (one, 1)), ME)
    store.write_artifact(artifact("l", (two, 1), namespace="acme/ben"), ME)
    for id in (one, two):
        store.update(id, 1, new("changed"), None, ME, "update")
    assert store.sweep(HOME, ME) == ["k"]
    assert store.sweep(HOME, ME) == []
    assert [row.key for row in store.artifacts("acme", None, None)] == ["l"]


def test_fresh_ones_are_dropped_by_their_keys_in_their_scope_only(store):
    (one,) = add(store, "one")
    (two,) = add(store, "two", namespace="acme/ben")
    store.write_artifact(artifact("k", (one, 1)), ME)
    store.write_artifact(artifact("l", (two, 1), namespace="acme/ben"), ME)
    assert store.drop_artifacts(HOME, ["k", "l", "unknown"], ME) == ["k"]
    assert store.drop_artifacts(HOME, ["k"], ME) == []
    assert [row.key for row in store.artifacts("acme", None, None)] == ["l"]
    told = store.journal(HOME, None, 0, 10)[-1]
    assert (told.verb, told.actor, told.detail) == ("drop", ME, {"dropped": 1, "keys": ["k"]})
    store.write_artifact(artifact("k", (one, 1)), ME)
    assert store.artifact(HOME, "k").fresh


def test_artifacts_are_listed_by_form_and_by_cube_in_their_scope(store):
    one, two = add(store, "one", "two")
    store.write_artifact(artifact("k", (one, 1)), ME)
    store.write_artifact(artifact("l", (two, 1)), ME)
    assert [row.key for row in store.artifacts(HOME, "summary", None)] == ["k", "l"]
    assert [row.key for row in store.artifacts(HOME, None, two)] == ["l"]
    assert store.artifacts(HOME, "kv", None) == store.artifacts("acme/an", None, None) == []
    assert store.artifact("acme/an", "k") is None


def test_a_key_is_one_artifact(store):
    (one,) = add(store, "one")
    for _ in range(2):
        store.write_artifact(artifact("k", (one, 1)), ME)
    assert len(store.artifacts(HOME, None, None)) == 1
    assert store.size()["artifact_bytes"] == 3
