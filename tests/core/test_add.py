"""What can be added, and what it becomes."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from mnemon import Document, Draft, Memory, Policy, Span
from mnemon.errors import (
    ContentTooLarge,
    EmptyContent,
    InvalidInput,
    InvalidMetadata,
    InvalidText,
    KeyReused,
    MnemonError,
    NotFound,
    UnknownName,
    VersionConflict,
)


def test_text_becomes_an_episode_that_the_next_search_finds(memory):
    cube = memory.add("Ana moved to Lisbon.", speaker="Ana", session="s", metadata={"n": 1})
    assert (cube.kind, cube.version, cube.namespace) == ("episode", 1, "default")
    assert memory.search("Where is Lisbon?")[0].cube == memory.get(cube.id) == cube


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "hi there"},
        {"speaker": "user", "text": "hi there"},
        {"author": "user", "message": "hi there"},
        {"role": "human", "name": "user", "content": "hi there"},
        {"role": "user", "content": [{"type": "text", "text": "hi there"}, {"type": "image_url"}]},
    ],
)
def test_a_chat_message_keeps_who_said_what(memory, message):
    cube = memory.add(message)
    assert (cube.speaker, cube.content) == ("user", "hi there")


def test_content_parts_are_joined_by_lines(memory):
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert memory.add({"role": "user", "content": parts}).content == "one\ntwo"


def test_a_message_with_an_unknown_field_says_which_one_was_meant(memory):
    with pytest.raises(UnknownName, match="'content'"):
        memory.add({"role": "user", "contnt": "hi"})


def test_a_draft_keeps_everything_it_says(memory):
    source = memory.add("source")
    draft = Draft(
        "a fact", kind="fact", speaker="Ana", session="s", at="2024-05-07", valid_to="2025-01-01",
        metadata={"a": [1, {"b": None}]}, source="file:3", key="k",
        spans=(Span(source.id, 1, 0, 3),), confidence=0.5, producer="me",
        policy=Policy(writers=("user",), compile=False),
    )  # fmt: skip
    cube = memory.get(memory.add(draft).id)
    assert (cube.kind, cube.key, cube.metadata) == ("fact", "k", {"a": [1, {"b": None}]})
    assert (cube.valid_from.year, cube.valid_to.year) == (2024, 2025)
    told = cube.provenance
    assert (told.producer, told.source, told.confidence) == ("me", "file:3", 0.5)
    assert told.spans == (Span(source.id, 1, 0, 3),)
    assert cube.policy == draft.policy


def test_arguments_fill_what_an_item_does_not_say(memory):
    one, two = memory.add(["a", Draft("b", speaker="Ben")], speaker="Ana", kind="note")
    assert (one.speaker, one.kind) == ("Ana", "note")
    assert (two.speaker, two.kind) == ("Ben", "note")


def test_a_list_comes_back_in_order_and_an_empty_one_is_fine(memory):
    assert [cube.content for cube in memory.add(f"n{i}" for i in range(5))] == [
        "n0", "n1", "n2", "n3", "n4",
    ]  # fmt: skip
    assert memory.add([]) == []


@pytest.mark.parametrize(
    "bad", ["", " \n\t", 3, None, b"x", {"content": "x\x00"}, {"no": 1}, Draft("x", at="?")]
)
def test_one_bad_item_and_nothing_is_written(memory, bad):
    with pytest.raises(MnemonError):
        memory.add(["good", bad, "also good"])
    assert memory.count() == 0
    assert memory.log() == []


@pytest.mark.parametrize("wrong", [3, 2.5, None, b"bytes", object()])
def test_what_is_no_memory_is_refused(memory, wrong):
    with pytest.raises(InvalidInput, match="cannot add a"):
        memory.add(wrong)


def test_a_key_makes_adding_idempotent(memory):
    first = memory.add("one", key="k")
    assert memory.add("one", key="k") == first
    edited = memory.update(first.id, "two")
    assert memory.add("one", key="k") == edited  # what it is by now
    memory.forget(first.id)
    assert memory.add("one", key="k").id == first.id
    assert memory.count() == 0


def test_a_key_of_something_else_is_refused(memory):
    first = memory.add("one", key="k", at="2025-01-01")
    for other in ("two", {"content": "one", "speaker": "Ana"}):
        with pytest.raises(KeyReused, match="use a new key") as raised:
            memory.add(other, key="k")
        assert raised.value.id == first.id
    with pytest.raises(KeyReused, match="another at"):
        memory.add("one", key="k", at="2025-01-02")
    assert memory.add("one", key="k") == first
    with pytest.raises(KeyReused):
        memory.add([Draft("three"), Draft("two", key="k")])
    document = Document("# One\n\nFirst.", title="t", key="d")
    assert memory.add(document) == memory.add(document)
    with pytest.raises(KeyReused):
        memory.add(Document("# One\n\nSecond.", title="t", key="d"))
    assert memory.count(kind="episode") == 1


def test_one_key_for_a_list_is_refused(memory):
    with pytest.raises(InvalidInput):
        memory.add(["a", "b"], key="k")


def test_a_million_characters_fit_and_one_more_does_not(memory):
    text = "word " * 200_000
    cube = memory.add(text)
    assert memory.get(cube.id).content == text
    with pytest.raises(ContentTooLarge):
        memory.add(text + "x")
    assert memory.count() == 1


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"])
@pytest.mark.parametrize("field", ["content", "speaker", "session", "key", "source", "kind"])
def test_text_that_cannot_be_held_is_refused_in_every_field(memory, field, bad):
    with pytest.raises(InvalidText, match=field):
        memory.add(Draft(**{"content": "fine", field: bad}))
    assert memory.count() == 0


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"])
def test_text_that_cannot_be_held_is_refused_in_a_query(memory, bad):
    memory.add("a b")
    with pytest.raises(InvalidText):
        memory.search(bad)
    with pytest.raises(InvalidText):
        memory.recall(bad)


def test_text_that_cannot_be_held_is_refused_in_a_filter(memory):
    memory.add("a b", metadata={"a": 1})
    for chosen in ({"speaker": "\ud800"}, {"session": "\ud800"}, {"metadata": {"\ud800": 1}}):
        with pytest.raises(InvalidText):
            memory.list(**chosen)


@pytest.mark.parametrize(
    "bad", [{1: 2}, [1], "x", {"a": object()}, {"a": float("nan")}, {"a": {1, 2}}]
)
def test_metadata_that_is_no_json_is_refused(memory, bad):
    with pytest.raises(InvalidMetadata):
        memory.add("x", metadata=bad)
    assert memory.count() == 0


@pytest.mark.parametrize("depth", [100, 101, 5000])
def test_metadata_is_nested_a_hundred_deep_at_most(memory, depth):
    data = {}
    for _ in range(depth - 1):
        data = {"in": data}
    with nullcontext() if depth <= 100 else pytest.raises(InvalidMetadata):
        memory.add("x", metadata=data)
    assert memory.list(metadata={"n": 1}) == []


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan"), "high"])
def test_confidence_lies_between_0_and_1(memory, bad):
    with pytest.raises(InvalidInput):
        memory.add(Draft("x", confidence=bad))


def test_a_document_of_megabytes_is_whole_in_its_passages():
    memory = Memory(":memory:")
    lines = [f"Line {n} of the book. " + "It goes on and on. " * 60 for n in range(1800)]
    text = "\n\n".join(lines)
    whole = memory.add(Document(text, title="The book"))
    passages = memory.list(kind="passage", limit=-1)
    assert len(text) > 2_000_000
    assert "".join(passage.content for passage in passages) == text
    assert (whole.kind, whole.content) == ("document", "The book")


def test_a_document_is_found_by_its_passages_and_added_once(memory):
    text = "First part about cats.\n\n" + "filler. " * 200 + "\n\nThe last part: a narwhal."
    whole = memory.add(Document(text))
    assert "narwhal" in memory.search("narwhal")[0].cube.content
    assert {link.type for link in memory.links(whole.id)} == {"part_of"}
    assert memory.add(Document(text)) == whole


def test_a_document_added_again_after_forgetting_part_of_it_is_sound(memory):
    document = Document("One part.\n\n" + "filler. " * 200)
    whole = memory.add(document)
    memory.forget(whole.id)
    assert memory.add(document).retired_at is not None
    assert memory.links(whole.id) == []


def test_an_empty_document_is_refused(memory):
    with pytest.raises(EmptyContent):
        memory.add(Document(" \n "))


def test_a_summary_that_comes_too_late_is_refused(memory):
    cube = memory.add("one")
    late = Draft("sum", producer="method:m@1", spans=(Span(cube.id, 1),))
    memory.update(cube.id, "two")
    with pytest.raises(VersionConflict):
        memory.add(late)
    memory.forget(cube.id, purge=True)
    with pytest.raises(NotFound):
        memory.add(late)
    assert memory.count() == 0


def test_a_source_may_be_another_draft_of_the_batch(memory):
    said, answered = memory.add([
        Draft("said", key="q"),
        Draft("answered", producer="method:m@1", spans=(Span("q", 1),)),
    ])  # fmt: skip
    assert memory.get(answered.id).provenance.spans == (Span(said.id, 1),)
    memory.forget(said.id)
    assert memory.count() == 0
