"""Spreading activation: over links, from derived cubes to their sources, over rare shared words."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mnemon import Draft, Span

ALONE = {"words": 0.0, "session": 0.0, "seeds": 1}


def test_a_link_leads_from_what_was_found_to_what_was_not(empty, ask) -> None:
    heron, ring = empty.add("the heron", session="a"), empty.add("a ring", session="b")
    empty.add("a boat", session="c")
    empty.link(heron.id, "about", ring.id)
    found, told = ask("association", "heron", **ALONE)
    assert found == ["a ring", "the heron"]  # from where it came back in the second step
    assert told["a ring"] == "about ← “the heron”"
    assert told["the heron"] == "about → “a ring”"


def test_two_steps_reach_farther_and_weaker_than_one(empty, ask) -> None:
    chain = [empty.add(text, session=text) for text in ("the heron", "a ring", "a boat", "a map")]
    for left, right in pairwise(chain):
        empty.link(left.id, "similar", right.id)
    found, _ = ask("association", "heron", **ALONE)
    assert found[0] == "a ring" and "a boat" in found and "a map" not in found
    assert "a boat" not in ask("association", "heron", steps=1, **ALONE)[0]


def test_what_is_linked_with_all_passes_on_little(empty, ask) -> None:
    heron, stork = empty.add("the heron", session="a"), empty.add("the heron too", session="b")
    for number in range(9):
        other = empty.add(f"hub {number}", session=f"h{number}")
        empty.link(heron.id, "similar", other.id)
    single = empty.add("single", session="s")
    empty.link(stork.id, "similar", single.id)
    found, _ = ask("association", "heron", words=0.0, session=0.0, steps=1, seeds=2)
    assert found[0] == "single"


@pytest.mark.parametrize("heavy", [0, 1])
def test_a_heavier_link_carries_more(empty, ask, heavy: int) -> None:
    heron, *others = (empty.add(text, session=text) for text in ("the heron", "one", "two"))
    for place, other in enumerate(others):
        empty.link(heron.id, "similar", other.id, weight=1.0 if place == heavy else 0.2)
    assert (
        ask("association", "heron", steps=1, **ALONE)[0] == [["one", "two"], ["two", "one"]][heavy]
    )


def test_a_derived_cube_leads_to_its_sources(empty, ask) -> None:
    source = empty.add("She moved on Monday.", session="a")
    empty.add(Draft("Relocation summary", kind="summary", spans=(Span(source.id, 1),)))
    found, told = ask("association", "relocation", **ALONE)
    assert found[0] == "She moved on Monday."
    assert told[found[0]] == "a source of “Relocation summary”"


def test_rare_words_link_what_others_found_and_common_ones_do_not(empty, ask) -> None:
    empty.add("The plumber came from Gdansk.", session="a")
    empty.add("Gdansk is where he lives now.", session="b")
    empty.add("A plumber is what he is now.", session="c")
    found, told = ask("association", "Who is the plumber?", session=0.0)
    assert found[0] == "Gdansk is where he lives now."
    assert told[found[0]] == "shares “Gdansk” with “The plumber came from Gdansk.”"


def test_a_conversation_shares_a_little(empty, ask) -> None:
    empty.add(["the heron", "nice", "good night"], session="a")
    empty.add("elsewhere", session="b")
    found, told = ask("association", "heron", words=0.0, seeds=1)
    assert set(found) == {"nice", "good night"}
    assert told["nice"] == "in one conversation with “the heron”"


def test_a_forgotten_link_leads_nowhere(empty, ask) -> None:
    heron, ring = empty.add("the heron", session="a"), empty.add("a ring", session="b")
    empty.link(heron.id, "about", ring.id)
    empty.unlink(heron.id, "about", ring.id)
    assert ask("association", "heron", **ALONE)[0] == []
