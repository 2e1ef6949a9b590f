"""Records that programs derive: made once, gone with their sources, never somebody's words."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemon import Draft, Memory, Policy, methods
from mnemon.text.extract._sentences import sentences
from mnemon.text.kinds import DIGEST, EVENT, GIST, KEYWORDS, RECORDS, SUMMARY, TYPES

KINDS = {
    "memgas": {SUMMARY, KEYWORDS},
    "hymem-lite": {EVENT},
    "hema": {GIST},
    "engram": set(TYPES),
}
RETURNED = {"memgas": set(), "hymem-lite": {EVENT}, "hema": {GIST}, "engram": set()}
SAID = [
    ("Ana", "I adopted a grey cat called Miso yesterday. She hides under the sofa."),
    ("Ben", "How lovely! Does she get along with your old dog?"),
    ("Ana", "They sleep on the same pillow. I love them both."),
    ("Ben", "My flight to Oslo leaves on Friday evening at seven."),
    ("Ana", "First, make sure that you pack your thermal gloves. It snowed there last week."),
    ("Ben", "I work as a glacier guide and I know how to dress for the ice."),
    ("Ana", "We painted the kitchen green on Sunday and it took nine hours."),
    ("Ben", "My sister teaches the cello in Ghent. She is allergic to walnuts."),
    ("Ana", "The train strike cancelled my meeting with the landlord."),
    ("Ben", "Remember to water the tomatoes every morning before breakfast."),
    ("Ana", "Grandmother's recipe for quince jam needs two days of patience."),
    ("Ben", "I finished the marathon in Lisbon in four hours."),
]


def filled(program: str) -> Memory:
    memory = Memory(":memory:", program=program)
    memory.add(
        [
            Draft(text, speaker=who, session=f"s{i // 4}", at=f"2024-05-0{1 + i // 4}T10:0{i % 4}")
            for i, (who, text) in enumerate(SAID)
        ]
    )
    return memory


def derived(memory: Memory) -> list[Any]:
    return [cube for cube in memory.list(limit=1000) if cube.kind in RECORDS]


@pytest.fixture(params=sorted(KINDS))
def memory(request: pytest.FixtureRequest) -> Any:
    with filled(request.param) as memory:
        memory.reflect()
        yield memory


def named(memory: Memory) -> str:
    return {
        "MemGAS": "memgas", "HyMemLite": "hymem-lite", "HEMA": "hema", "ENGRAM": "engram",
    }[type(memory._program).__name__]  # fmt: skip


def test_upkeep_makes_the_kinds_of_its_program(memory: Memory) -> None:
    assert {cube.kind for cube in derived(memory)} == KINDS[named(memory)]


def test_a_second_reflection_changes_nothing(memory: Memory) -> None:
    before = memory.log(limit=10_000)
    assert memory.reflect() == 0
    assert memory.log(limit=10_000) == before


def test_a_record_is_nobody_s_and_cites_what_it_was_made_from(memory: Memory) -> None:
    there = {cube.id: cube for cube in memory.list(limit=1000)}
    for cube in derived(memory):
        assert cube.speaker is None and cube.session is None
        assert cube.provenance.producer.startswith("method:text.maintain/")
        assert cube.provenance.spans
        assert all(there[span.cube].version == span.version for span in cube.provenance.spans)


def test_a_record_says_only_what_was_said(memory: Memory) -> None:
    words = {word.strip(".,!?:'").lower() for _, text in SAID for word in text.split()}
    words |= {"ana", "ben", "summary", "keywords", "so", "far", "digest", "grandmother"}
    for cube in derived(memory):
        told = {word.strip(".,!?:'").lower() for word in cube.content.split()}
        assert told <= words | {"lisbon"}


@pytest.mark.parametrize("purge", [False, True])
def test_a_record_goes_with_its_source(memory: Memory, purge: bool) -> None:
    (cat,) = [cube for cube in memory.list() if "Miso" in cube.content and cube.speaker]
    told = [cube.id for cube in derived(memory) if _cites(memory, cube, cat.id)]
    assert told
    memory.forget(cat.id, purge=purge)
    left = {cube.id for cube in memory.list(limit=1000)}
    assert not left & set(told)
    memory.reflect()
    assert not any("Miso" in cube.content for cube in memory.list(limit=1000))
    assert {cube.kind for cube in derived(memory)} == KINDS[named(memory)]
    assert memory.reflect() == 0


def test_a_record_is_made_again_of_what_its_source_says_now(memory: Memory) -> None:
    (cat,) = [cube for cube in memory.list() if "Miso" in cube.content and cube.speaker]
    memory.update(cat.id, "I adopted a grey cat called Udon yesterday. She hides under the sofa.")
    assert not any("Miso" in cube.content for cube in memory.list(limit=1000))
    memory.reflect()
    cited = [cube for cube in derived(memory) if _cites(memory, cube, cat.id)]
    assert cited and not any("Miso" in cube.content for cube in cited)


def _cites(memory: Memory, cube: Any, id: str) -> bool:
    return any(
        span.cube == id
        or (memory.get(span.cube).kind == DIGEST and _cites(memory, memory.get(span.cube), id))
        for span in cube.provenance.spans
    )


def test_what_was_said_since_is_found_before_the_next_reflection(memory: Memory) -> None:
    memory.add("The zeppelin museum opens at noon.", speaker="Ana", session="s9")
    hits = memory.search("When does the zeppelin museum open?", k=2)
    assert any("zeppelin" in hit.cube.content for hit in hits)


def test_a_search_returns_records_only_where_the_paper_does(memory: Memory) -> None:
    for question in ("Who adopted a cat?", "What is Ben's job?", "ice", "How to make jam?"):
        kinds = {hit.cube.kind for hit in memory.search(question, k=50)}
        assert kinds <= {"episode"} | RETURNED[named(memory)]


def test_the_same_question_has_the_same_answer(memory: Memory) -> None:
    with filled(named(memory)) as other:
        other.reflect()
        for question in ("Who adopted a cat?", "the ice", "When is Ben's flight?"):
            first = [(hit.cube.content, hit.score) for hit in memory.search(question)]
            assert first == [(hit.cube.content, hit.score) for hit in memory.search(question)]
            assert first == [(hit.cube.content, hit.score) for hit in other.search(question)]
            assert all(0.0 <= score <= 1.0 for _, score in first)
            explained = memory.search(question, explain=True)
            assert all(reason.detail for hit in explained for reason in hit.why)


def test_nobody_reads_a_record_of_what_he_may_not_read(memory: Memory) -> None:
    secret = Policy(readers=("user",))
    drafts = [
        Draft(f"The vault code is {n}{n}{n} and the vault is deep.", speaker="Ana", session="s0",
              at=f"2024-05-01T11:{n:02}", policy=secret)
        for n in range(10, 22)
    ]  # fmt: skip
    memory.add(drafts)
    memory.reflect()
    told = [cube for cube in derived(memory) if "vault" in cube.content]
    assert told and all(cube.policy.readers == ("user",) for cube in told)
    assert memory.reflect() == 0


def test_a_record_may_not_be_trained_on_if_a_source_may_not(memory: Memory) -> None:
    memory.add(
        Draft("We bought a red kayak.", speaker="Ana", session="s0", policy=Policy(compile=False))
    )
    memory.reflect()
    told = [c for c in derived(memory) if any(_is(memory, s.cube) for s in c.provenance.spans)]
    assert told and not any(cube.policy.compile for cube in told)


def _is(memory: Memory, id: str) -> bool:
    return "kayak" in memory.get(id).content and memory.get(id).kind == "episode"


def test_a_namespace_below_is_left_alone(memory: Memory) -> None:
    below = f"{memory.namespace}/deep"
    memory.add("A secret about pelicans.", speaker="Ana", session="s0", namespace=below)
    assert memory.reflect() == 0
    assert [cube.kind for cube in memory.list(namespace=below)] == ["episode"]


def test_somebody_s_own_summary_is_found_as_what_it_is(memory: Memory) -> None:
    memory.add(Draft("In brief: the lighthouse keeper retired.", kind="summary"))
    memory.reflect()
    hits = memory.search("Who kept the lighthouse?", k=2)
    assert any("lighthouse" in hit.cube.content for hit in hits)


def test_what_an_older_version_of_a_method_made_is_replaced(memory: Memory) -> None:
    old = derived(memory)[0]
    maker = old.provenance.producer.replace("@1", "@0")
    memory.update(old.id, producer=maker)
    assert memory.reflect() >= 2
    assert maker not in {cube.provenance.producer for cube in derived(memory)}
    assert memory.reflect() == 0


def test_an_empty_memory_has_nothing_to_keep_up(memory: Memory) -> None:
    with Memory(":memory:", program=named(memory)) as empty:
        assert empty.reflect() == 0
        assert empty.search("anything") == []


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "update", "forget", "reflect"]), st.integers(0, 11)),
    max_size=12,
)


@pytest.mark.parametrize("program", sorted(KINDS))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_whatever_happens_records_cite_what_is_current(
    program: str, steps: list[tuple[str, int]]
) -> None:
    with Memory(":memory:", program=program) as memory:
        for step, n in steps:
            turns = [cube for cube in memory.list(limit=1000) if cube.kind not in RECORDS]
            if step == "add":
                who, text = SAID[n]
                memory.add(text, speaker=who, session=f"s{n % 2}", at="2024-05-01")
            elif step == "reflect":
                memory.reflect()
            elif turns and step == "update":
                memory.update(turns[n % len(turns)].id, SAID[n][1])
            elif turns:
                memory.forget(turns[n % len(turns)].id)
            current = {(cube.id, cube.version) for cube in memory.list(limit=1000)}
            cited = {(s.cube, s.version) for c in derived(memory) for s in c.provenance.spans}
            assert cited <= current
        memory.reflect()
        assert memory.reflect() == 0
        assert memory.fsck() == []


@given(st.text(alphabet="ab .!?。\n", max_size=60))
def test_sentences_leave_out_white_space_only(text: str) -> None:
    found = sentences(text)
    assert "".join(text.split()) == "".join("".join(text[a:b].split()) for a, b in found)
    assert all(a < b and text[a:b] == text[a:b].strip() for a, b in found)
    assert all(first[1] <= second[0] for first, second in pairwise(found))


def test_keywords_are_the_words_of_the_talk_without_its_speakers() -> None:
    with filled("memgas") as memory:
        (draft,) = methods.load("text.extract", "keywords", most=6).extract(memory.list())
        words = draft.content.split(", ")
        assert len(words) == 6 and not {"ana", "ben", "the"} & set(words)
        assert all(any(word in text.lower() for _, text in SAID) for word in words)
        assert list(methods.load("text.extract", "keywords").extract([])) == []


def test_a_long_session_is_summarised_in_parts() -> None:
    with Memory(":memory:", program="memgas") as memory:
        at = [f"2024-05-01T{n // 60:02}:{n % 60:02}" for n in range(250)]
        memory.add([Draft(f"remark {n} on topic {n % 7}", "episode", "Ana", "s", t)
                    for n, t in enumerate(at)])  # fmt: skip
        memory.reflect()
        assert memory.count(kind=SUMMARY) == 3
        memory.add("one more remark", speaker="Ana", session="s", at="2024-05-02")
        assert memory.reflect() == 4  # the last part's summary and keywords, out and in


def test_turns_without_a_session_belong_together_by_time() -> None:
    with Memory(":memory:", program="memgas") as memory:
        for at in ("09:00", "09:10", "15:00", "15:20"):
            memory.add(f"said at {at} about boats", speaker="Ana", at=f"2024-05-01T{at}")
        memory.add("a note by nobody", at="2024-05-01T09:05")
        memory.reflect()
        assert [len(c.provenance.spans) for c in memory.list(kind=SUMMARY)] == [2, 2]
