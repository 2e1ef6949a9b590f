from __future__ import annotations

from dataclasses import replace

import pytest

from mnemon.bench.case import Case, Question, Turn
from mnemon.bench.moved import among, moved, rename
from mnemon.cube import Draft


def talk(id: str, question: str, *people: str) -> Case:
    turns = tuple(Turn(f"{n}", Draft("Hello", speaker=who)) for n, who in enumerate(people))
    return Case(id, turns, (Question(f"{id}:0", "all", question, ("0",)),))


def test_questions_are_asked_of_the_next_conversation() -> None:
    first = talk("a", "Where does Ana live?", "Ana", "Ben")
    second = talk("b", "What does Dora eat?", "Caro", "Dora")
    plain, named = moved([first, second], renamed=False), moved([first, second], renamed=True)
    assert [one.text for one in plain["b"]] == ["Where does Ana live?"]
    assert [one.text for one in named["b"]] == ["Where does Caro live?"]
    assert [one.text for one in named["a"]] == ["What does Ben eat?"]
    assert plain["b"][0].evidence == ()


def test_one_conversation_has_nowhere_to_move_to() -> None:
    assert moved([talk("a", "Why?", "Ana")], renamed=True) == {"a": []}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("When did ANA's aunt see Ben?", "When did Ben's aunt see Caro Diaz?"),
        ("Did Mel call?", "Did Mel call?"),
        ("Is Will William's?", "Is Ana Ana's?"),
        ("Will Ben call?", "Will Caro Diaz call?"),
        ("What will the banana cost?", "What will the banana cost?"),
    ],
)
def test_names_are_replaced_all_at_once(text: str, expected: str) -> None:
    names = {"Ana": "Ben", "Ben": "Caro Diaz", "William": "Ana"}
    assert rename(text, names) == expected


def test_a_part_of_a_name_is_enough() -> None:
    assert rename("Where did Caro fly, and Diaz?", {"Caro Diaz": "Ana"}) == (
        "Where did Ana fly, and Ana?"
    )


def test_nobody_to_name() -> None:
    silent = replace(talk("b", "Why?"), turns=(Turn("0", Draft("a note")),))
    assert among(talk("a", "Why?", "Ana"), silent) == {}
