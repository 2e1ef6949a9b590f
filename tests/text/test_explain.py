"""Explanations: every hit lists its channels, its rank in each, and what matched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mnemon import Draft, Memory, Policy, methods
from mnemon.cube import Hit
from mnemon.text.programs.default import Default
from mnemon.text.ranking import best

CHANNELS = tuple(
    (name, 1.0, {})
    for name in ("words", "meaning", "entities", "time", "neighbours", "association", "recency")
)
TURNS = [
    {"speaker": "Ana", "content": "Did you hear back from the clinics?"},
    {"speaker": "Ben", "content": "Yes, they operate on Friday."},
    {"speaker": "Ana", "content": "I moved to Lisbon yesterday."},
]


@pytest.fixture
def memory() -> Any:
    program = Default(channels=CHANNELS)
    with Memory(":memory:", program=program) as memory:
        memory.add([{**turn, "at": "2024-05-03"} for turn in TURNS], session="s")
        yield memory


def why(hits: list[Hit], content: str) -> dict[str, str]:
    (hit,) = (hit for hit in hits if hit.cube.content.startswith(content))
    return {reason.channel: reason.detail for reason in hit.why}


def test_words_are_told_in_the_texts_own_spelling(memory: Memory) -> None:
    hits = memory.search("When did Ana move to Lisbon, to which clinic?", explain=True)
    assert why(hits, "I moved")["words"].startswith("matches moved, Lisbon")
    assert why(hits, "I moved")["words"].endswith("said by Ana")
    assert why(hits, "Did you")["words"].startswith("matches clinics")
    assert why(hits, "Yes,")["words"].startswith("beside clinics (the line before)")


def test_every_channel_tells_what_it_found(memory: Memory) -> None:
    hits = memory.search("Did Ana move to Lisbon on 2 May?", explain=True, at="2024-06-01")
    told = why(hits, "I moved")
    assert set(told) == {*(name for name, _, _ in CHANNELS), "listnet"}
    assert told["meaning"].startswith("similarity 0.")
    assert told["entities"] == "“Lisbon”; said by Ana"
    assert told["time"] == "says “yesterday”: 2 May 2024; asked “2 May”: 2 May 2024"
    assert told["recency"] == "29 days old"
    assert told["listnet"].startswith("probability ")


def test_ranks_are_those_of_the_channels(memory: Memory) -> None:
    for hit in memory.search("clinic", explain=True):
        assert all(reason.rank >= 1 for reason in hit.why)
    ranks = [
        reason.rank
        for hit in memory.search("clinic", explain=True)
        for reason in hit.why
        if reason.channel == "words"
    ]
    assert sorted(ranks) == list(range(1, len(ranks) + 1))


def test_the_ranker_says_from_where_it_moved_a_cube(memory: Memory) -> None:
    hits = memory.search("When is the operation?", explain=True)
    told = [hit.why[-1] for hit in hits]
    assert [reason.rank for reason in told] == list(range(1, len(hits) + 1))
    for hit, reason in zip(hits, told, strict=True):
        assert reason.detail.startswith(f"probability {hit.score:.2f}")
    assert any(", was " in reason.detail for reason in told)


def test_nothing_is_told_unless_asked_and_the_order_is_the_same(memory: Memory) -> None:
    plain, told = (memory.search("the clinic", explain=explain) for explain in (False, True))
    assert [hit.cube.id for hit in plain] == [hit.cube.id for hit in told]
    assert [hit.score for hit in plain] == [hit.score for hit in told]
    assert all(not reason.detail for hit in plain for reason in hit.why)


def test_what_a_reader_may_not_see_is_not_quoted() -> None:
    program = Default(channels=CHANNELS, rerank=None)
    with Memory(":memory:", program=program, actor="ben") as memory:
        secret = Draft("the surgery, says Dr. Quux", policy=Policy(readers=("ana",)))
        memory.add(["a heron", secret, "good night"], session="s", speaker="Ana")
        ids = [memory.add("a ring", session="t").id, memory.search("heron")[0].cube.id]
        memory.link(ids[1], "about", ids[0])
        for hit in memory.search("the heron and the surgery", explain=True):
            details = " ".join(reason.detail for reason in hit.why)
            assert "Quux" not in details and "surgery" not in details


def test_a_word_of_another_script_is_told_too() -> None:
    with Memory(":memory:", program="fused") as memory:
        memory.add("我昨天在里斯本。")
        assert "里斯" in why(memory.search("里斯本?", explain=True), "我")["words"]


def test_a_channel_that_tells_nothing_is_listed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = methods.load

    @dataclass(frozen=True)
    class Silent:
        def retrieve(self, view: Any, query: Any) -> Any:
            return best("silent", np.arange(len(view.rows)), np.ones(len(view.rows), np.float32), 9)

    monkeypatch.setattr(
        methods,
        "load",
        lambda slot, name, **o: Silent() if name == "silent" else real(slot, name, **o),
    )
    program = Default(channels=(("silent", 1.0, {}),), rerank=None)
    with Memory(":memory:", program=program) as memory:
        memory.add("anything")
        (hit,) = memory.search("x", explain=True)
        assert [(one.channel, one.rank, one.detail) for one in hit.why] == [("silent", 1, "")]
