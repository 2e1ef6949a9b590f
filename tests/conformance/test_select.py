"""Filters: each narrows, and nothing beside it gets through."""

from __future__ import annotations

import pytest

from mnemon.cube import Policy
from mnemon.instant import from_micros, to_micros
from mnemon.store.rows import Filter

from .rows import HOME, ME, add, found, new


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, ["a", "b", "c"]),
        ({"kinds": ("fact",)}, ["b"]),
        ({"kinds": ("fact", "episode")}, ["a", "b"]),
        ({"kinds": ()}, []),
        ({"speaker": "Ana"}, ["a", "c"]),
        ({"session": "s"}, ["b"]),
        ({"since": 20}, ["b", "c"]),
        ({"until": 20}, ["a"]),
        ({"since": 20, "until": 30}, ["b"]),
        ({"valid_at": 25}, ["b"]),
        ({"ended": False}, ["b", "c"]),
        ({"speaker": "Ana", "since": 20}, ["c"]),
        ({"ids": ()}, []),
    ],
)
def test_a_filter_narrows(store, chosen, expected):
    add(store, "a", speaker="Ana", valid_from=10, valid_to=15)
    add(store, "b", speaker="Ben", kind="fact", session="s", valid_from=20)
    add(store, "c", speaker="Ana", kind="note", valid_from=30)
    assert found(store, **chosen) == expected


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ({"place": "Lisbon"}, True),
        ({"place": "lisbon"}, False),
        ({"tags": "b"}, True),
        ({"tags": ["a", "b"]}, True),
        ({"tags": ["a"]}, False),
        ({"tags": "d"}, False),
        ({"n": 1}, True),
        ({"n": "1"}, False),
        ({"none": None}, True),
        ({"missing": None}, False),
        ({"deep": {"x": 1}}, True),
        ({"café": "é"}, True),
        ({"place": "Lisbon", "n": 2}, False),
        ({"a.b": "dot"}, True),
        ({'quo"te': 1}, True),
    ],
)
def test_metadata_is_equal_or_contained_in_a_list(store, wanted, matches):
    data = {
        "place": "Lisbon", "tags": ["a", "b"], "n": 1, "none": None, "deep": {"x": 1}, "café": "é",
        "a.b": "dot", 'quo"te': 1,
    }  # fmt: skip
    add(store, "one", metadata=data)
    add(store, "bare")
    assert found(store, metadata=wanted) == (["one"] if matches else [])


def test_readers_hide_a_cube_from_others(store):
    add(store, "secret", policy=Policy(readers=("ana", "ben")))
    add(store, "open")
    assert found(store, reader="ben") == ["secret", "open"]
    assert found(store, reader="eve") == ["open"]


def test_the_past_is_what_the_store_held_then(store):
    (id,) = add(store, "old")
    store.update(id, 1, new("new"), None, ME, "update")
    store.retire([id], ME)
    moments = [to_micros(cube.recorded_at) for cube in store.history(HOME, id)]
    assert found(store, as_of=moments[0] - 1) == []
    assert found(store, as_of=moments[0]) == ["old"]
    assert found(store, as_of=moments[1] - 1) == ["old"]
    assert found(store, as_of=moments[1]) == ["new"]


def test_the_forgotten_can_be_chosen_with_the_current(store):
    one, _ = add(store, "one", "two")
    store.retire([one], ME)
    assert found(store, forgotten=True) == ["one", "two"]


def test_retention_is_asked_by_time(store):
    add(store, "short", policy=Policy(retain_until=from_micros(50)))
    add(store, "long", policy=Policy(retain_until=from_micros(500)))
    add(store, "always")
    assert found(store, retain_before=50) == ["short"]


def test_ids_are_looked_up_in_the_scope_only(store):
    (mine,) = add(store, "mine")
    (theirs,) = add(store, "theirs", namespace="acme/ben")
    assert found(store, ids=(mine, theirs, "nobody")) == ["mine"]
    assert found(store, namespace="acme", ids=(mine, theirs)) == ["mine", "theirs"]


PATHS = ["acme", "acme/an", "acme/ana", "acme/ana/x", "acme/ana0", "acme-2", "acm", "zoë/名前"]


@pytest.mark.parametrize("scope", PATHS)
def test_a_scope_is_a_path_and_what_is_below_it(store, scope):
    for path in PATHS:
        add(store, path, namespace=path, speaker=path)
    inside = sorted(path for path in PATHS if f"{path}/".startswith(f"{scope}/"))
    assert sorted(found(store, scope)) == inside
    assert store.speakers(scope) == inside
    assert [path for path, _ in store.namespaces(scope)] == inside
    assert store.count(Filter(scope)) == len(inside)


def test_history_stays_in_its_scope(store):
    (id,) = add(store, "one")
    assert len(store.history("acme", id)) == 1
    assert store.history("acme/an", id) == []
