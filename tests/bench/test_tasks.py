from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnemon import methods
from mnemon.bench.tasks._evidence import parse
from mnemon.bench.tasks.locomo import LoCoMo
from mnemon.bench.tasks.sample import BUNDLED, Sample
from mnemon.errors import ImportFailed

KNOWN = frozenset({"D8:6", "D9:17", "D30:5", "D9:1"})


@pytest.mark.parametrize(
    ("string", "ids", "reason"),
    [
        ("D8:6", ("D8:6",), ""),
        ("D8:6; D9:17", ("D8:6", "D9:17"), "repair"),
        ("D9:1 D8:6", ("D9:1", "D8:6"), "repair"),
        ("D30:05", ("D30:5",), "repair"),
        ("D9:1 D4:4", ("D9:1",), "no turn D4:4"),
        ("D10:19", (), "no turn D10:19"),
        ("D:11:26", (), "not of the form"),
        ("D", (), "not of the form"),
        (" ", (), "blank"),
    ],
)
def test_evidence_is_read_where_it_can_be(string: str, ids: tuple[str, ...], reason: str) -> None:
    found, wrong = parse(string, KNOWN)
    assert found == ids
    assert reason in wrong and bool(reason) == bool(wrong)


def test_malformed_evidence_is_reported(locomo: Callable[..., Path], asked: Any) -> None:
    path = locomo([asked("cat?", "D1:1; D1:3", "D1:3"), asked("who?", "D", "D1:2"), asked("x?")])
    (case,) = LoCoMo().read(path)
    assert [one.evidence for one in case.questions] == [("D1:1", "D1:3"), ("D1:2",)]
    told = [(one.question, one.string, one.read_as) for one in case.malformed]
    assert told == [("conv-1:0", "D1:1; D1:3", ("D1:1", "D1:3")), ("conv-1:1", "D", ())]
    assert case.unanswerable == 1


def test_turns_are_those_of_the_importer(locomo: Callable[..., Path], asked: Any) -> None:
    first, second = LoCoMo().read(locomo([asked("cat?", "D1:1")], [asked("cat?", "D1:2")]))
    assert [turn.id for turn in first.turns] == [f"D1:{n}" for n in range(1, 7)]
    assert first.turns[0].draft.speaker == "Ana"
    assert second.turns[0].draft.key == "locomo:conv-2:D1:1"
    assert first.questions[0].category == "single-hop"


def test_the_sample_is_large_enough_to_try_things_out() -> None:
    (case,) = Sample().read()
    assert len(case.questions) + case.unanswerable >= 60
    assert not case.malformed
    known = {turn.id for turn in case.turns}
    assert all(set(one.evidence) <= known for one in case.questions)


@pytest.mark.parametrize("name", methods.names("bench.tasks"))
def test_every_task_tells_where_it_is_from(name: str) -> None:
    task = methods.load("bench.tasks", name)
    for field in ("name", "url", "licence", "citation", "split", "main_score"):
        assert getattr(task, field)
    assert task.direction in ("higher", "lower")


@pytest.mark.parametrize("name", methods.names("bench.tasks"))
def test_a_task_knows_its_own_data(
    name: str, locomo: Callable[..., Path], asked: Any, chat: Path
) -> None:
    task = methods.load("bench.tasks", name)
    paths = {"sample": BUNDLED, "locomo": locomo([asked("cat?", "D1:1")]), "chats": chat}
    assert [other for other, path in paths.items() if task.sniff(path)] == [name]


def test_locomo_has_1982_usable_questions() -> None:
    given = os.environ.get("MNEMON_DATA")
    if not given:
        pytest.skip(
            "set MNEMON_DATA to a folder with locomo10.json "
            "(data/locomo10.json of https://github.com/snap-research/locomo)"
        )
    cases = LoCoMo().read(Path(given) / "locomo10.json" if Path(given).is_dir() else Path(given))
    assert len(cases) == 10
    assert sum(len(case.turns) for case in cases) == 5882
    assert sum(len(case.questions) for case in cases) == 1982
    assert sum(case.unanswerable for case in cases) == 4
    lost = {one.string for case in cases for one in case.malformed if not one.read_as}
    assert lost == {"D", "D:11:26", "D10:19", "D4:36"}


CHAT = """# two friends
= 2024-03-05 18:20
ana: omg finally {k1}
tom: they gave you the keys? nice: really

= 2024-03-06 09:00
ana: moving on friday {k2}
? single-hop | k1 | What did Ana get?
? multi-hop | k1 k2 k9 | When does Ana move?
? temporal | k9 | Nobody knows?
"""


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    folder = tmp_path / "chats"
    folder.mkdir()
    (folder / "friends.chat").write_text(CHAT, encoding="utf-8")
    return folder


def test_a_chat_is_read_with_sessions_times_and_marked_evidence(chat: Path) -> None:
    (case,) = methods.load("bench.tasks", "chats").read(chat)
    assert [turn.draft.content for turn in case.turns] == [
        "omg finally", "they gave you the keys? nice: really", "moving on friday"
    ]  # fmt: skip
    assert [turn.draft.speaker for turn in case.turns] == ["ana", "tom", "ana"]
    assert [str(turn.draft.at)[:16] for turn in case.turns] == [
        "2024-03-05 18:20", "2024-03-05 18:21", "2024-03-06 09:00"
    ]  # fmt: skip
    first, second = case.questions
    assert first.evidence == (case.turns[0].id,)
    assert second.evidence == (case.turns[0].id, case.turns[2].id)
    assert (case.unanswerable, len(case.malformed)) == (1, 2)


@pytest.mark.parametrize("line", ["no colon here", "= next tuesday", "? what | k1"])
def test_a_line_of_no_kind_is_told_with_its_place(chat: Path, line: str) -> None:
    (chat / "friends.chat").write_text(CHAT + line + "\n", encoding="utf-8")
    with pytest.raises(ImportFailed, match="line 11"):
        methods.load("bench.tasks", "chats").read(chat)
