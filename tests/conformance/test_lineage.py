"""Artifacts that continue others: fresh, deleted and swept along their line."""

from __future__ import annotations

import pytest

from mnemon.errors import StaleArtifact

from .rows import HOME, ME, add, artifact, block, new


def test_who_continues_a_stale_one_is_stale(store):
    one, two = add(store, "one", "two")
    store.write_artifact(block("a", None, (one, 1)), ME)
    store.write_artifact(block("b", "a", (two, 1)), ME)
    store.write_artifact(block("c", "b"), ME)
    assert store.fresh_artifacts(HOME, ["c", "a", "b", "nobody"]) == {"a", "b", "c"}
    store.update(two, 1, new("zwei"), None, ME, "update")
    assert store.fresh_artifacts(HOME, ["a", "b", "c"]) == {"a"}
    assert store.stale_sources("c") == (two,)
    assert [row.fresh for row in store.artifacts(HOME, None, None)] == [True, False, False]
    row = store.artifact(HOME, "c")
    assert (row.fresh, row.parent, row.elsewhere) == (False, "b", True)


def test_freshness_stays_in_its_scope(store):
    (one,) = add(store, "one")
    store.write_artifact(block("a", None, (one, 1)), ME)
    assert store.fresh_artifacts("acme", ["a"]) == {"a"}
    assert (
        store.fresh_artifacts("acme/ben", ["a"]) == store.fresh_artifacts("other", ["a"]) == set()
    )


def test_what_continues_a_stale_or_unknown_one_is_refused(store):
    one, two = add(store, "one", "two")
    store.write_artifact(block("a", None, (one, 1)), ME)
    store.update(one, 1, new("uno"), None, ME, "update")
    with pytest.raises(StaleArtifact) as caught:
        store.write_artifact(block("b", "a", (two, 1)), ME)
    assert caught.value.stale_sources == (one,)
    with pytest.raises(StaleArtifact):
        store.write_artifact(block("b", "nobody", (two, 1)), ME)
    assert store.artifact(HOME, "b") is None


def test_all_that_continue_one_go_with_it(store):
    two, *ones = add(store, "two", "retired", "purged")
    ends = (lambda one: store.retire([one], ME)[1], lambda one: [*store.purge([one], ME)[0].keys])
    for one, end in zip(ones, ends, strict=True):
        store.write_artifact(block("a", None, (two, 1)), ME)
        store.write_artifact(block("b", "a", (one, 1)), ME)
        store.write_artifact(block("c", "b", (two, 1)), ME)
        store.write_artifact(block("d", "a"), ME)
        assert store.ending([one]).artifacts == store.doomed([one]).artifacts == 2
        assert end(one) == ["b", "c"]
        assert [row.key for row in store.artifacts(HOME, None, None)] == ["a", "d"]


def test_a_sweep_takes_what_continues_a_stale_one(store):
    one, two = add(store, "one", "two")
    store.write_artifact(block("a", None, (one, 1)), ME)
    store.write_artifact(block("b", "a", (two, 1)), ME)
    store.write_artifact(block("c", "b", (two, 1), namespace="acme/ben"), ME)
    store.write_artifact(artifact("d", (two, 1)), ME)
    store.update(one, 1, new("uno"), None, ME, "update")
    assert store.sweep("acme/ben", ME) == ["c"]
    assert store.sweep(HOME, ME) == ["a", "b"]
    assert [row.key for row in store.artifacts("acme", None, None)] == ["d"]


def test_the_same_tokens_of_another_cube_add_their_source(store):
    one, two = add(store, "same", "same")
    store.write_artifact(block("a", None, (one, 1)), ME)
    store.write_artifact(block("a", None, (two, 1)), ME)
    assert store.artifact(HOME, "a").sources == ((one, 1), (two, 1))
    store.update(one, 1, new("other"), None, ME, "update")
    assert store.fresh_artifacts(HOME, ["a"]) == set()
    store.write_artifact(block("a", None, (two, 1)), ME)
    assert store.fresh_artifacts(HOME, ["a"]) == {"a"}
    assert store.artifact(HOME, "a").sources == ((two, 1),)


def test_a_long_line_is_asked_at_once(store):
    (one,) = add(store, "one")
    keys = [f"{number:064x}" for number in range(300)]
    for parent, key in zip([None, *keys], keys, strict=False):
        store.write_artifact(block(key, parent, *([(one, 1)] if parent is None else [])), ME)
    assert store.fresh_artifacts(HOME, keys) == set(keys)
    assert len(store.retire([one], ME)[1]) == 300
