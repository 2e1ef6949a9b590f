"""Links, usage and the journal."""

from __future__ import annotations

import pytest

from mnemon.cube import Link
from mnemon.errors import InvalidInput, NotFound
from mnemon.instant import to_micros
from mnemon.store.rows import Filter

from .rows import HOME, ME, add, found, made_from, new


def test_a_link_is_seen_from_both_ends(store):
    one, two = add(store, "one", "two")
    store.link(HOME, Link(one, "about", two, 0.5, {"why": "x"}), ME)
    (link,) = store.links(HOME, one)
    assert (link.src, link.type, link.dst, link.weight) == (one, "about", two, 0.5)
    assert store.links(HOME, two) == [link]


def test_linking_again_sets_weight_and_metadata(store):
    one, two = add(store, "one", "two")
    store.link(HOME, Link(one, "about", two), ME)
    store.link(HOME, Link(one, "about", two, 0.1, {"n": 1}), ME)
    ((link),) = store.links(HOME, one)
    assert (link.weight, link.metadata) == (0.1, {"n": 1})


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_weight_is_a_finite_number(store, weight):
    one, two = add(store, "one", "two")
    with pytest.raises(InvalidInput):
        store.link(HOME, Link(one, "about", two, weight), ME)
    assert store.links(HOME, one) == []


def test_unlinking_ends_it_and_the_past_keeps_it(store):
    one, two = add(store, "one", "two")
    store.link(HOME, Link(one, "about", two), ME)
    moment = to_micros(store.links(HOME, one)[0].recorded_at)
    assert store.unlink(HOME, Link(one, "about", two), ME)
    assert not store.unlink(HOME, Link(one, "about", two), ME)
    assert store.links(HOME, one) == []
    assert len(store.links(HOME, one, moment)) == 1


@pytest.mark.parametrize("scope", [HOME, "acme/an", "nowhere"])
def test_both_ends_must_be_in_the_scope(store, scope):
    (mine,) = add(store, "mine")
    (theirs,) = add(store, "theirs", namespace="acme/ben")
    with pytest.raises(NotFound):
        store.link(scope, Link(mine, "about", theirs), ME)
    store.link("acme", Link(mine, "about", theirs), ME)
    assert store.links(scope, mine) == []
    assert len(store.links("acme", mine)) == 1


def test_a_link_needs_current_ends(store):
    one, two = add(store, "one", "two")
    store.retire([two], ME)
    with pytest.raises(NotFound):
        store.link(HOME, Link(one, "about", two), ME)


def test_links_end_with_their_cubes(store):
    one, two, three = add(store, "one", "two", "three")
    store.link(HOME, Link(one, "about", two), ME)
    store.link(HOME, Link(three, "next", one), ME)
    assert store.ending([one]).links == 2
    store.retire([one], ME)
    assert store.links(HOME, two) == store.links(HOME, three) == []


def test_drafts_link_to_each_other_by_key(store):
    drafts = [new("one", key="a"), new("two", key="b", links=(("next", "a"),))]
    one, two = store.add(HOME, drafts, None, ME)
    (link,) = store.links(HOME, one.id)
    assert (link.src, link.type, link.dst) == (two.id, "next", one.id)


def test_a_draft_that_links_to_no_key_is_not_written(store):
    with pytest.raises(NotFound):
        store.add(HOME, [new("one", links=(("next", "nobody"),))], None, ME)
    assert found(store) == []


def test_adding_again_links_nothing_forgotten(store):
    drafts = [new("one", key="a"), new("two", key="b", links=(("next", "a"),))]
    one, two = store.add(HOME, drafts, None, ME)
    store.retire([one.id], ME)
    store.add(HOME, drafts, None, ME)
    store.add(HOME, [new("three", links=(("next", "a"),))], None, ME)
    assert store.links(HOME, two.id) == []
    assert found(store) == ["two", "three"]


def test_reads_and_judgements_are_counted(store):
    (id,) = add(store, "one")
    store.count_reads({id: 2, "nobody": 1})
    store.count_reads({id: 1})
    store.judge(HOME, id, True)
    store.judge(HOME, id, False)
    usage = store.select(Filter(HOME))[0][1].usage
    assert (usage.reads, usage.helpful, usage.unhelpful) == (3, 1, 1)
    assert usage.last_read is not None


def test_a_judgement_stays_in_its_scope(store):
    (id,) = add(store, "one")
    with pytest.raises(NotFound):
        store.judge("acme/an", id, True)
    assert store.select(Filter(HOME))[0][1].usage.helpful == 0


def test_the_journal_tells_what_happened_and_never_what_was_said(store):
    one, two = add(store, "xylophone", "two", speaker="quagga", metadata={"m": "okapi"})
    store.update(one, 1, new("xylophone again", session="zebu"), None, ME, "update")
    store.link(HOME, Link(one, "about", two, metadata={"n": "gnu"}), ME)
    store.retire([one], ME)
    store.purge([one], ME)
    events = store.journal(HOME, None, 0, 100)
    assert [e.verb for e in events] == ["add", "update", "link", "forget", "purge"]
    assert not any(word in str(events) for word in ("xylo", "quagga", "okapi", "zebu", "gnu"))


def test_the_journal_gives_the_newest_in_order_and_by_cube(store):
    ids = [add(store, text)[0] for text in "abc"]
    events = store.journal(HOME, None, 0, 2)
    assert [event.cube for event in events] == ids[1:]
    assert [e.cube for e in store.journal(HOME, ids[0], 0, 10)] == ids[:1]
    assert store.journal(HOME, None, store.sequence(HOME), 10) == []
    assert store.journal("acme/an", None, 0, 10) == []


def rows_of(store, *ids):
    rows = {cube.id: row for row, cube in store.select(Filter(HOME))}
    return [rows[id] for id in ids]


def test_edges_are_links_and_sources_by_row(store):
    one, two, three = add(store, "one", "two", "three")
    made = store.add(HOME, [made_from("all of it", (one, 1), (two, 1))], None, ME)[0].id
    store.link(HOME, Link(two, "about", three, 0.5), ME)
    a, b, c, derived = rows_of(store, one, two, three, made)
    assert store.edges([c]) == [(b, c, 0.5, "about")]
    assert store.edges([b]) == [(b, c, 0.5, "about"), (derived, b, 1.0, "source")]
    assert store.edges([derived]) == [(derived, a, 1.0, "source"), (derived, b, 1.0, "source")]
    before = to_micros(store.links(HOME, two)[0].recorded_at) - 1
    assert store.edges([c], before) == []


def test_edges_end_with_either_end(store):
    one, two = add(store, "one", "two")
    store.link(HOME, Link(one, "about", two), ME)
    (a, _) = rows_of(store, one, two)
    store.retire([two], ME)
    assert store.edges([a]) == []


def test_usage_is_read_by_row(store):
    one, two = add(store, "one", "two")
    store.count_reads({two: 3})
    store.judge(HOME, two, True)
    reads, last, helpful, unhelpful = store.usage(rows_of(store, one, two))[1]
    assert (reads, helpful, unhelpful) == (3, 1, 0) and last > 0
    assert store.usage(rows_of(store, one)) == [(0, 0, 0, 0)]
