"""Adding, updating, ending and deleting cubes."""

from __future__ import annotations

import pytest

from mnemon.cube import Policy, Span
from mnemon.errors import KeyReused, NotFound, VersionConflict
from mnemon.store.rows import Filter

from .rows import HOME, ME, add, found, made_from, new


def test_what_was_added_is_there_as_it_was_given(store):
    (id,) = add(store, "Ana lives in Lisbon", speaker="Ana", session="s1", metadata={"a": [1]})
    ((_, cube),) = store.select(Filter(HOME))
    assert (cube.id, cube.version, cube.content) == (id, 1, "Ana lives in Lisbon")
    assert (cube.speaker, cube.session, cube.metadata) == ("Ana", "s1", {"a": [1]})


def test_adding_nothing_is_no_error(store):
    assert store.add(HOME, [], None, ME) == []
    assert found(store) == []


def test_a_batch_keeps_its_order(store):
    add(store, "one", "two", "three")
    assert found(store) == ["one", "two", "three"]


def test_a_batch_with_one_bad_item_writes_nothing(store):
    twin = new("twin")
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.add(HOME, [new("good"), twin, twin], None, ME)
    assert found(store) == []
    assert store.journal(HOME, None, 0, 10) == []


def test_a_known_key_adds_nothing_and_gives_the_cube_that_is_there(store):
    (first,) = add(store, "one", key="k")
    (again,) = store.add(HOME, [new("one", key="k")], None, ME)
    assert (again.id, again.new) == (first, False)
    assert found(store) == ["one"]


OTHERS = [
    ("two", {}, "content"),
    ("one", {"kind": "fact"}, "kind"),
    ("one", {"speaker": "Ben"}, "speaker"),
    ("one", {"session": None}, "session"),
    ("one", {"source": "file:4"}, "source"),
    ("one", {"metadata": {"a": [1, 2]}}, "metadata"),
    ("one", {"metadata": {}}, "metadata"),
    ("one", {"valid_to": 9}, "valid_to"),
    ("one", {"valid_from": 5, "dated": True}, "at"),
    ("one", {"confidence": 0.5}, "confidence"),
    ("one", {"policy": Policy(readers=("ana",))}, "policy"),
    ("one", {"policy": Policy(compile=False)}, "policy"),
]
GIVEN = {"speaker": "Ana", "session": "s", "metadata": {"b": None, "a": [1, 2.5]}, "key": "k"}


@pytest.mark.parametrize(("content", "changed", "word"), OTHERS)
def test_a_known_key_with_something_else_is_refused(store, content, changed, word):
    (first,) = add(store, "one", **GIVEN)
    with pytest.raises(KeyReused, match=f"another {word}") as raised:
        store.add(HOME, [new("fresh"), new(content, **{**GIVEN, **changed})], None, ME)
    assert (raised.value.key, raised.value.id) == ("k", first)
    assert found(store) == ["one"]  # of what came with it, nothing


def test_a_repetition_is_of_what_was_first_added(store):
    (id,) = add(store, "one", **GIVEN)
    store.update(id, 1, new("edited", kind="fact"), None, ME, "update")
    for _ in range(2):
        # What the clock or the program decided is no difference.
        draft = new("one", **GIVEN, valid_from=77, producer="import:x", links=(("about", "k"),))
        (again,) = store.add(HOME, [draft], None, ME)
        assert (again.id, again.new) == (id, False)
        with pytest.raises(KeyReused):
            store.add(HOME, [new("edited", kind="fact", key="k")], None, ME)
        store.retire([id], ME)
    assert found(store) == []


def test_a_key_twice_in_one_batch_is_one_cube(store):
    one, two = store.add(HOME, [new("one", key="k"), new("one", key="k")], None, ME)
    assert one.id == two.id
    assert (one.new, two.new) == (True, False)
    with pytest.raises(KeyReused):
        store.add(HOME, [new("three", key="l"), new("four", key="l")], None, ME)
    assert found(store) == ["one"]


def test_keys_belong_to_their_namespace(store):
    (id,) = add(store, "one", key="k")
    add(store, "two", key="k", namespace="acme/ben")
    assert store.known_keys(HOME, ["k", "l"]) == {"k": id}
    assert store.known_keys("nowhere", ["k"]) == {}


def test_a_forgotten_cube_keeps_its_key(store):
    (id,) = add(store, "one", key="k")
    store.retire([id], ME)
    (again,) = store.add(HOME, [new("one", key="k")], None, ME)
    assert (again.id, again.new) == (id, False)


def test_an_update_is_the_next_version(store):
    (id,) = add(store, "old")
    assert store.update(id, 1, new("new"), None, ME, "update") == 2
    assert found(store) == ["new"]
    assert [cube.content for cube in store.history(HOME, id)] == ["old", "new"]


def test_an_update_of_what_has_changed_is_refused(store):
    (id,) = add(store, "old")
    store.update(id, 1, new("new"), None, ME, "update")
    with pytest.raises(VersionConflict) as caught:
        store.update(id, 1, new("late"), None, ME, "update")
    assert (caught.value.id, caught.value.expected, caught.value.current) == (id, 1, 2)
    assert found(store) == ["new"]


def test_updating_the_missing_is_refused(store):
    with pytest.raises(NotFound):
        store.update("nobody", 1, new("x"), None, ME, "update")


def test_versions_follow_each_other_in_time(store):
    (id,) = add(store, "v1")
    for version in range(1, 6):
        store.update(id, version, new(f"v{version + 1}"), None, ME, "update")
    past = store.history(HOME, id)
    assert [one.retired_at for one in past[:-1]] == [one.recorded_at for one in past[1:]]
    assert past[-1].retired_at is None


def test_a_retired_cube_is_gone_from_now_and_kept_in_the_past(store):
    (id,) = add(store, "one")
    assert store.retire([id], ME) == ([id], [])
    assert found(store) == []
    assert store.history(HOME, id)[0].retired_at is not None


def test_retiring_the_missing_or_twice_is_no_error(store):
    (id,) = add(store, "one")
    assert store.retire([id, "nobody", id], ME)[0] == [id]
    assert store.retire([id], ME) == ([], [])


def test_a_retired_cube_comes_back_as_a_new_version(store):
    (id,) = add(store, "one")
    store.retire([id], ME)
    assert store.update(id, 1, new("one"), None, ME, "restore") == 2
    assert found(store) == ["one"]


def test_what_methods_derived_ends_with_its_source(store):
    ids = add(store, "one", "two")
    (summary,) = store.add(HOME, [made_from("both", (ids[0], 1), (ids[1], 1))], None, ME)
    (second,) = store.add(HOME, [made_from("of both", (summary.id, 1))], None, ME)
    assert store.ending([ids[0]]).ids == (ids[0], summary.id, second.id)
    assert store.retire([ids[0]], ME)[0] == [ids[0], summary.id, second.id]
    assert found(store) == ["two"]


def test_what_methods_derived_ends_when_its_source_changes(store):
    (id,) = add(store, "one")
    store.add(HOME, [made_from("sum", (id, 1))], None, ME)
    store.update(id, 1, new("changed"), None, ME, "update")
    assert found(store) == ["changed"]


def test_what_people_derived_is_theirs(store):
    (id,) = add(store, "one")
    store.add(HOME, [new("my view", spans=(Span(id, 1),))], None, ME)
    store.retire([id], ME)
    ((_, cube),) = store.select(Filter(HOME))
    assert (cube.content, cube.provenance.spans) == ("my view", (Span(id, 1),))


def test_a_summary_of_what_changed_meanwhile_is_refused(store):
    (id,) = add(store, "one")
    store.update(id, 1, new("two"), None, ME, "update")
    with pytest.raises(VersionConflict):
        store.add(HOME, [made_from("sum", (id, 1))], None, ME)
    store.retire([id], ME)
    with pytest.raises(NotFound):
        store.add(HOME, [made_from("sum", (id, 2))], None, ME)


def test_counting_agrees_with_selecting(store):
    add(store, "one", "two", kind="fact")
    add(store, "three")
    assert store.count(Filter(HOME)) == 3
    assert store.count(Filter(HOME, kinds=("fact",))) == 2


def test_rows_go_on_after_a_page(store):
    add(store, *"abcde")
    first = store.select(Filter(HOME), limit=2)
    rest = store.select(Filter(HOME), after=first[-1][0])
    assert [cube.content for _, cube in (*first, *rest)] == list("abcde")


def test_cubes_by_row_leave_out_what_is_gone(store):
    add(store, "one")
    ((row, cube),) = store.select(Filter(HOME))
    assert store.by_rows([row, row + 1000]) == {row: cube}


def test_sizes_count_what_is_held(store):
    ids = add(store, "one", "two")
    store.update(ids[0], 1, new("uno"), None, ME, "update")
    store.retire([ids[1]], ME)
    size = store.size()
    assert (size["cubes"], size["versions"], size["namespaces"]) == (1, 3, 1)


def test_only_the_version_that_was_read_is_retired(store):
    (id,) = add(store, "one")
    assert store.update(id, 1, new("two"), None, ME, "update") == 2
    with pytest.raises(VersionConflict) as told:
        store.retire([id], ME, 1)
    assert (told.value.expected, told.value.current) == (1, 2)
    assert found(store) == ["two"]
    assert store.retire([id], ME, 2) == ([id], [])
    with pytest.raises(NotFound):
        store.retire([id], ME, 2)
    with pytest.raises(NotFound):
        store.retire(["nobody"], ME, 1)
