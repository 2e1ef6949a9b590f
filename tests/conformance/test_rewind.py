"""Several edits in one transaction: all of them or none."""

from __future__ import annotations

import pytest

from mnemon.cube import Link
from mnemon.errors import VersionConflict
from mnemon.store.rows import Revision, Rewind

from .rows import HOME, ME, add, found, new


def test_edits_are_made_together_and_the_journal_tells(store):
    one, two, three = add(store, "one", "two", "three")
    store.link(HOME, Link(two, "next", three), ME)
    revised = (Revision(two, 1, new("second"), None),)
    edits = Rewind(
        (one,), revised, (Link(two, "next", three),), (Link(three, "next", two),), {"to": "then"}
    )
    assert store.rewind(HOME, edits, ME) == []
    assert sorted(found(store)) == ["second", "three"]
    assert [(link.src, link.dst) for link in store.links(HOME, two)] == [(three, two)]
    assert store.journal(HOME, None, 0, 1)[-1].verb == "rollback"


def test_a_conflict_undoes_all_of_it(store):
    one, two = add(store, "one", "two")
    before = store.sequence(HOME)
    edits = Rewind((one,), (Revision(two, 7, new("second"), None),), (), (), {})
    with pytest.raises(VersionConflict):
        store.rewind(HOME, edits, ME)
    assert found(store) == ["one", "two"] and store.changes(HOME, before).retired == ()
