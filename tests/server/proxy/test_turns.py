"""What a conversation is asked for, and how it is told from others."""

from __future__ import annotations

from mnemon.server.proxy.chat import conversation
from mnemon.server.proxy.turns import pieces


def told(*said):
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)]
    return conversation({"messages": [{"role": "system", "content": "Be brief."}, *messages]})


def test_a_turn_that_tells_enough_is_asked_alone():
    asked = "Which restaurant near the harbour did Ana recommend?"
    assert told("We went to Porto.", "Nice.", asked).query() == asked


def test_a_short_one_is_asked_with_the_users_one_before():
    query = told("What is Eva's cat called?", "Miso.", "And hers?").query()
    assert query == "What is Eva's cat called?\nAnd hers?"


def test_of_a_long_one_beginning_and_end_are_asked():
    query = told(f"What is this? {'x ' * 50_000} Who wrote it?").query()
    assert query.startswith("What is this?") and query.endswith("Who wrote it?")
    assert len(query) < 2100


def test_without_words_nothing_is_asked():
    picture = [{"type": "image_url", "image_url": {"url": "data:,"}}]
    assert told(picture).query() == told().query() == ""


def test_positions_tell_turns_by_all_before_them_but_not_by_instructions():
    one, two = told("Hi.", "Hello.", "Yes."), told("Hi.", "Welcome.", "Yes.")
    digests = [[at.digest for at in talk.positions()] for talk in (one, two)]
    assert digests[0][0] == digests[1][0] and digests[0][2] != digests[1][2]
    plain = conversation({"messages": [{"role": "user", "content": "Hi."}]})
    assert plain.positions() == told("Hi.").positions()
    assert [at.certain for at in one.positions()] == [False, False, True]


def test_pieces_lose_nothing_and_fit(monkeypatch):
    monkeypatch.setattr("mnemon.server.proxy.turns.MAX_CHARACTERS", 10)
    assert pieces("one two\nthree four\nfive") == ["one two", "three four", "five"]
    assert pieces("x" * 25) == ["x" * 10, "x" * 10, "x" * 5] and pieces(" \n") == []
