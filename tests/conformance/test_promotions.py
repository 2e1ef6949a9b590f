"""Aliases of adapters have a past that is only added to; what is withheld is in no weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mnemon.cube import Policy
from mnemon.errors import AliasMoved, NotForWeights, NotFound
from mnemon.store.rows import WEIGHTS, Promotion

from .rows import HOME, ME, add, artifact, new

MOVE = Promotion(HOME, "current", "base", "promote", ("a", "b"), ("b",), {"recall": 0.5}, "w", ME)


def weights(key, *sources, form="adapter", namespace=HOME):
    return replace(artifact(key, *sources, namespace=namespace), form=form)


def test_each_move_is_kept_with_all_that_was_said(store):
    first = store.promote(MOVE, 0)
    back = store.promote(replace(MOVE, action="rollback", members=()), first.num)
    assert store.promotions(HOME) == [first, back]
    assert first == replace(MOVE, num=first.num, at=first.at) and first.at is not None
    assert (back.action, back.members, back.figures) == ("rollback", (), {"recall": 0.5})
    assert [event.verb for event in store.journal(HOME, None, 0, 10)] == ["promote", "rollback"]


def test_who_did_not_see_the_newest_move_makes_none(store):
    first = store.promote(MOVE, 0)
    with pytest.raises(AliasMoved) as told:
        store.promote(MOVE, 0)
    assert (told.value.id, told.value.expected, told.value.current) == ("current", 0, first.num)
    assert store.promotions(HOME) == [first]


def test_aliases_bases_and_namespaces_have_a_past_of_their_own(store):
    every = [
        MOVE, replace(MOVE, alias="other"), replace(MOVE, model="other"),
        replace(MOVE, namespace=f"{HOME}/notes"), replace(MOVE, namespace="ben"),
    ]  # fmt: skip
    made = [store.promote(one, 0) for one in every]
    assert store.promotions(HOME) == made[:4]
    assert store.promotions(HOME, "current", "base") == [made[0], made[3]]
    assert store.promotions("ben") == made[4:] and store.promotions("acme-x") == []


@pytest.mark.parametrize("form", WEIGHTS)
def test_nothing_of_what_is_withheld_becomes_weights(store, form):
    (one,), (two,) = add(store, "one"), add(store, "two", namespace="acme-x")
    assert store.withhold("acme") == []
    with pytest.raises(NotForWeights) as told:
        store.write_artifact(weights("k", (one, 1), form=form), ME)
    assert (told.value.id, told.value.path) == (one, "acme")
    assert store.artifacts("acme", None, None) == []
    store.write_artifact(artifact("s", (one, 1)), ME)
    store.write_artifact(weights("x", (two, 1), form=form, namespace="acme-x"), ME)
    assert store.allow("acme") and not store.allow("acme") and not store.allow("nobody")
    store.write_artifact(weights("k", (one, 1), form=form), ME)


def test_what_was_made_before_goes_with_the_rule(store):
    (one,), (two,) = add(store, "one"), add(store, "two", namespace=f"{HOME}/notes")
    (three,) = add(store, "three", namespace="acme-x")
    store.write_artifact(weights("a", (one, 1)), ME)
    store.write_artifact(weights("b", (one, 1), (two, 1), namespace="acme"), ME)
    store.write_artifact(weights("c", (two, 1), form="latent"), ME)
    store.write_artifact(artifact("s", (two, 1)), ME)
    store.write_artifact(weights("x", (three, 1), namespace="acme-x"), ME)
    assert sorted(store.withhold(f"{HOME}/notes")) == ["b", "c"]
    assert {row.key for row in store.artifacts("acme", None, None)} == {"a", "s"}
    assert store.withhold("acme") == ["a"]
    assert [one.namespace for one in store.withheld()] == ["acme", f"{HOME}/notes"]
    assert [row.key for row in store.artifacts("acme-x", None, None)] == ["x"]
    assert store.fsck(repair=False) == []


def test_a_cube_that_forbids_it_is_refused_by_the_store_itself(store):
    (one,) = add(store, "one", policy=Policy(compile=False))
    with pytest.raises(NotForWeights, match="policy"):
        store.write_artifact(weights("k", (one, 1)), ME)
    store.update(one, 1, new("one"), None, ME, "update")
    store.write_artifact(weights("k", (one, 2)), ME)


def test_answers_of_an_artifact_are_judged_by_its_key(store):
    (one,) = add(store, "one")
    store.write_artifact(weights("k", (one, 1)), ME)
    for helpful in (True, True, False):
        store.judge("acme", "k", helpful)
    assert store.outcomes(HOME, ["k", "l"]) == {"k": (2, 1)}
    assert store.outcomes("ben", ["k"]) == {}
    for scope, key in (("ben", "k"), (HOME, "l")):
        with pytest.raises(NotFound):
            store.judge(scope, key, True)
