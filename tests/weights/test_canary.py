"""A canary answers its share, always of the same questions, and what is said of it decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.weights.facts import FACTS, STRANGER, asked, draft

from mnemon.errors import InvalidInput, NotFound
from mnemon.weights import (
    Evidence,
    Gate,
    Reader,
    canary,
    consolidate,
    history,
    promote,
    rollback,
    settle,
)
from mnemon.weights.promotion.canary import Outcomes
from mnemon.weights.promotion.wearable import Wearable

NAMES = list(FACTS)


@pytest.fixture
def tried(memory, loaded):
    """The key of an adapter that is tried beside what answers today, on half of all questions."""
    before = {one.key for one in memory.artifacts.list("adapter")}
    memory.add([draft(STRANGER, "x01 x02 x03 x04")])
    (made,) = consolidate(memory, *loaded).trained
    old = min(before)
    promote(memory, *loaded, before, gate=Gate(most=1, texts=1))
    canary(memory, *loaded, {made.key} | (before - {old}), share=0.5)
    return made.key, old


def _says(memory, key, helpful, unhelpful):
    for told, times in ((True, helpful), (False, unhelpful)):
        for _ in range(times):
            memory.feedback(key, told)


def test_a_session_is_always_answered_by_one_set(memory, loaded, tried) -> None:
    key, old = tried
    with Reader(memory, *loaded) as reader:
        assert {key, old} < reader.keys
        went = {
            session: reader.route(asked(STRANGER), session=session)[0] for session in "abcdefghij"
        }
        again = {session: reader.route(asked(STRANGER), session=session)[0] for session in went}
        assert went == again and set(went.values()) == {key, None}
        chosen = next(session for session, one in went.items() if one)
        told = reader.answer(asked(STRANGER), session=chosen)
    assert told.text == "x01 x02 x03 x04" and "canary" in told.why


def test_what_helps_is_promoted(memory, tried) -> None:
    key, _ = tried
    _says(memory, key, 19, 0)
    assert settle(memory).action is None  # not enough
    _says(memory, key, 6, 0)
    done = settle(memory)
    assert (done.action, done.candidate, done.bar) == ("promote", (25, 0), 0.8)
    assert key in done.line.members and history(memory)[-1] == done.line
    assert done.line.figures["candidate"] == [25, 0]
    with pytest.raises(NotFound, match="no canary"):
        settle(memory)
    assert key not in rollback(memory).members and len(history(memory)[-1].members) > 0


def test_what_does_not_help_is_stopped_and_the_rest_answers_on(memory, loaded, tried) -> None:
    key, old = tried
    _says(memory, key, 5, 15)
    done = settle(memory)
    assert done.action == "stop" and old in done.line.members and key not in done.line.members
    with Reader(memory, *loaded) as reader:
        assert reader.answer(asked(STRANGER)).adapter is None


def test_it_is_measured_by_what_answers_today_where_that_is_known(memory, tried) -> None:
    key, old = tried
    _says(memory, old, 11, 9)
    _says(memory, key, 17, 3)
    done = settle(memory)
    assert (done.bar, done.present, done.action) == (0.55, (11, 9), "promote")


def test_what_was_said_before_it_began_does_not_count(memory, loaded) -> None:
    keys = sorted(one.key for one in memory.artifacts.list("adapter"))
    with pytest.raises(NotFound, match="promoted"):
        canary(memory, *loaded, keys[:1])
    promote(memory, *loaded, gate=Gate(most=1, texts=1))
    _says(memory, keys[0], 30, 0)
    line = canary(memory, *loaded, keys[:1], share=0.2)
    assert (line.action, len(line.members)) == ("canary", len(keys))
    assert settle(memory).candidate == (0, 0)
    back = rollback(memory)
    assert (back.action, len(back.members)) == ("stop", len(keys))


def test_shares_and_names_are_checked(memory, loaded) -> None:
    for share in (0, 1, -0.1):
        with pytest.raises(InvalidInput, match="share"):
            canary(memory, *loaded, [], share=share)
    with pytest.raises(NotFound):
        canary(memory, *loaded, ["0" * 64])
    with pytest.raises(NotFound):
        settle(memory)
    with pytest.raises(NotFound):
        memory.feedback("0" * 64, True)


@given(st.floats(0.05, 0.95))
def test_the_share_is_kept(share) -> None:
    may = Wearable((), 1, {}, {}, share)
    taken = sum(may.takes(f"question {number}") for number in range(400))
    assert abs(taken / 400 - share) < 0.12


@given(st.integers(0, 600), st.integers(0, 600), st.integers(0, 50), st.integers(0, 50))
def test_a_rule_decides_by_enough_and_more_help_never_hurts(good, bad, other, worse) -> None:
    rule, present = Evidence(), Outcomes(other, worse)
    order = {"stop": 0, None: 1, "promote": 2}
    action, bar = rule.decide(Outcomes(good, bad), present)
    if good + bad < rule.least:
        assert action is None
    if action == "promote":
        assert good / (good + bad) > bar - rule.margin
    if action == "stop" and good + bad < rule.patience:
        assert good / (good + bad) < bar
    if bad and good + bad >= rule.least:
        better, _ = rule.decide(Outcomes(good + 1, bad - 1), present)
        assert order[better] >= order[action]
