"""Conversations over sessions, and shelves of references: the same for a seed, and answerable."""

from __future__ import annotations

import pytest

from mnemon.bench.recall import EOS, ids, text
from mnemon.bench.reuse.history import history
from mnemon.errors import InvalidInput


def test_a_history_is_the_same_for_its_seed() -> None:
    assert history(3) == history(3)
    assert history(3) != history(4)


def test_sessions_have_one_person_each() -> None:
    one = history(0, people=3, sessions=2, turns=4, filler=5)
    about = [turn.split(" 's ")[0].split()[-1] for turn in one.turns]
    sessions = [set(about[begin : begin + 4]) for begin in range(0, len(about), 4)]
    assert [len(session) for session in sessions] == [1] * 6
    assert len(set(about)) == 3


def test_the_last_word_is_what_is_asked_for() -> None:
    one = history(1, filler=0)
    anew = 0
    for asked in one.questions:
        name, _, attribute = text(asked.ids).split()[4:7]
        told = [turn for turn in one.turns if f"{name} 's {attribute} is" in turn]
        anew += len(told) > 1
        assert text(asked.answer[:-1]) in told[-1]
        assert asked.answer[-1] == EOS
    assert anew > 0
    assert len(ids(" ".join(one.turns))) > 300


def test_more_than_there_is_to_tell_is_refused() -> None:
    with pytest.raises(InvalidInput, match="turns a person at most"):
        history(0, sessions=9, turns=9)


def test_a_shelf_has_one_code_a_reference_and_a_question_for_each() -> None:
    from mnemon.bench.reuse.explicit import shelf

    one = shelf(0, count=3, length=60)
    assert one == shelf(0, count=3, length=60)
    for told, asked in zip(one.texts, one.questions, strict=True):
        assert len(told.split()) == 60
        assert text(asked.answer[:-1]) in told
    with pytest.raises(InvalidInput, match="or more"):
        shelf(0, length=8)
