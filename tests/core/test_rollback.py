"""Rolling a namespace back to a moment: text, links and what was derived."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings

from mnemon import Draft, Memory, Policy, Span
from mnemon.errors import AccessDenied, NotFound, OnHold

from .test_sequences import operations, step


def now() -> datetime:
    return datetime.now(UTC)


def state(memory: Memory, **of) -> set[tuple]:
    """What the memory tells, versions aside; sources by what they say."""
    cubes = {cube.id: cube for cube in memory.list(limit=-1, **of)}
    return {
        (one.id, one.content, one.kind, one.speaker, one.valid_from, str(one.metadata), one.policy,
         one.provenance.producer, tuple(span.cube for span in one.provenance.spans))
        for one in cubes.values()
    }  # fmt: skip


def test_added_changed_and_forgotten_cubes_are_as_they_were(memory):
    ids = [cube.id for cube in memory.add(["kept", "changed", "forgotten"])]
    then, before = now(), state(memory)
    memory.update(ids[1], "other", kind="fact", metadata={"n": 1})
    memory.forget(ids[2])
    late = memory.add("added").id
    after = state(memory)
    between = now()
    told = memory.rollback(then)
    assert state(memory) == before
    assert (told.restored, told.revised, told.retired) == ((ids[2],), (ids[1],), (late,))
    assert [hit.cube.content for hit in memory.search("forgotten", min_score=0.1)] == ["forgotten"]
    assert memory.rollback(between).restored == (late,)
    assert state(memory) == after


def test_the_past_stays_and_the_journal_tells(memory):
    cube = memory.add("one")
    then = now()
    memory.update(cube.id, "two")
    between = now()
    memory.rollback(then)
    assert [one.content for one in memory.history(cube.id)] == ["one", "two", "one"]
    assert memory.get(cube.id, as_of=between).content == "two"
    assert [event.verb for event in memory.log()] == ["add", "update", "restore", "rollback"]
    assert memory.log()[-1].detail == {"to": then.isoformat()}


def test_doing_it_twice_or_dry_changes_nothing(memory):
    cube = memory.add("one")
    then = now()
    memory.update(cube.id, "two")
    plan = memory.rollback(then, dry_run=True)
    assert plan.dry_run and plan.revised == (cube.id,) and memory.get(cube.id).version == 2
    assert memory.rollback(then).revised == plan.revised
    again = memory.rollback(then)
    assert (again.restored, again.revised, again.retired) == ((), (), ())
    assert memory.get(cube.id).version == 3 and memory.log()[-1].verb == "rollback"
    assert len(memory.log()) == 4


def test_what_was_derived_is_tied_to_its_sources_again(memory):
    source = memory.add("one")
    first = Draft("of one", producer="method:m@1", spans=(Span(source.id, 1),))
    summary = memory.add([first])[0]
    second = Draft("of of", producer="method:m@1", spans=(Span(summary.id, 1),))
    memory.add([second])
    then, before = now(), state(memory)
    memory.update(source.id, "two")
    assert memory.count() == 1
    told = memory.rollback(then)
    assert state(memory) == before and told.lost == ()
    assert memory.get(summary.id).provenance.spans == (Span(source.id, 3),)
    memory.update(source.id, "three")
    assert memory.count() == 1


def test_what_was_derived_from_what_stayed_is_not_written_again(memory):
    source = memory.add("one")
    spans = (Span(source.id, 1),)
    memory.add([Draft("of one", producer="method:m@1", spans=spans)])
    then = now()
    memory.add("late")
    assert memory.rollback(then).revised == ()


def test_links_are_as_they_were(memory):
    one, two, three = (cube.id for cube in memory.add(["one", "two", "three"]))
    memory.link(one, "next", two, weight=0.5)
    memory.link(two, "next", three)
    then = now()
    memory.unlink(two, "next", three)
    memory.link(one, "about", three)
    memory.forget(one)
    told = memory.rollback(then)
    found = {(link.src, link.type, link.dst, link.weight) for link in memory.links(two)}
    assert found == {(one, "next", two, 0.5), (two, "next", three, 1.0)}
    assert [link.type for link in memory.links(three)] == ["next"]
    assert (told.linked, told.unlinked) == (2, 0)
    assert memory.rollback(then).linked == 0


def test_what_was_purged_cannot_come_back_and_is_named(memory):
    gone = memory.add("gone").id
    memory.add("here")
    then = now()
    memory.forget(gone, purge=True)
    late = memory.add("late").id
    memory.forget(late, purge=True)
    told = memory.rollback(then)
    assert told.purged == (gone,) and memory.count() == 1


def test_other_namespaces_are_left_alone(memory):
    memory.add("inside", namespace="acme/ana")
    other = memory.add("outside", namespace="acme")
    then = now()
    memory.add("late", namespace="acme/ana/deep")
    memory.update(other.id, "changed", namespace="acme")
    memory.rollback(then, namespace="acme/ana")
    assert memory.count(namespace="acme/ana") == 1
    assert memory.get(other.id, namespace="acme").content == "changed"


def test_who_may_not_change_a_cube_rolls_nothing_back(memory):
    free = memory.add("free")
    policy = Policy(writers=("boss",))
    then = now()
    memory.update(free.id, "changed")
    memory.add([Draft("held", policy=policy)])
    with pytest.raises(AccessDenied, match="boss"):
        memory.rollback(then)
    assert memory.get(free.id).content == "changed"
    assert memory.acting("boss").rollback(then).revised == (free.id,)


def test_what_one_may_not_read_stays_as_it_is(memory):
    then = now()
    memory.acting("boss").add([Draft("secret", policy=Policy(readers=("boss",)))])
    mine = memory.add("mine").id
    assert memory.rollback(then).retired == (mine,)
    assert memory.acting("boss").count() == 1


def test_what_is_held_is_not_retired(memory):
    free = memory.add("free")
    then = now()
    memory.update(free.id, "changed")
    held = memory.add("held")
    memory._store.hold(held.id)
    with pytest.raises(OnHold):
        memory.rollback(then)
    assert memory.get(free.id).content == "changed"
    memory._store.release(held.id)


def test_what_is_compiled_is_stale_by_the_rule_and_counted(memory):
    cube, other = memory.add(["one", "two"])
    then = now()
    made = [memory.artifacts.derive("note", [one], b"x", method="m") for one in (cube, other)]
    memory.update(cube.id, "changed")
    newer = memory.artifacts.derive("note", [memory.get(cube.id)], b"y", method="m")
    assert memory.rollback(then).forms == {"note": 1}
    fresh = {one.key for one in memory.artifacts.list() if one.fresh}
    assert fresh == {made[1].key} and newer.key not in fresh


@settings(max_examples=12, deadline=None)
@given(operations, operations)
def test_any_sequence_rolls_back_to_what_it_was(first, second):
    with tempfile.TemporaryDirectory() as folder, Memory(":memory:") as memory:
        for place in ("default", *(f"default/{n}" for n in range(3))):
            memory.add("stays", namespace=place)  # a purge that empties a path takes its journal
        ids = [memory.add("first").id]
        _play(memory, Path(folder), ids, first)
        then, before, links = now(), state(memory), _links(memory, ids)
        _play(memory, Path(folder), ids, [one for one in second if one[0] != "carry"])
        told = memory.rollback(then)
        missing = {*told.purged, *told.lost}
        assert state(memory) == {one for one in before if one[0] not in missing}
        kept = {link for link in links if not missing & set(link)}
        assert _links(memory, ids) == kept
        again = memory.rollback(then)
        assert (again.restored, again.revised, again.retired, again.linked) == ((), (), (), 0)
        assert memory.fsck() == []


def _play(memory, folder, ids, script):
    for number, (verb, i, j) in enumerate(script):
        with suppress(NotFound):
            step(memory, folder, ids, verb, ids[i % len(ids)], ids[j % len(ids)], number)


def _links(memory, ids):
    return {(link.src, link.dst) for id in ids for link in memory.links(id)}
