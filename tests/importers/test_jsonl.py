from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mnemon import Memory
from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import Malformed

Read = Callable[..., tuple[list[Draft], list[Malformed]]]
Write = Callable[[str, Any], Path]


def test_fields_are_found_by_their_usual_names(data: Path, read: Read) -> None:
    drafts, _ = read("jsonl", data / "jsonl" / "chat.jsonl")
    told = [(draft.speaker, draft.session, draft.content) for draft in drafts]
    assert told[:5] == [
        ("Ines", "s01", "I have keys. Actual keys."),
        ("Tobias", "s01", "It finally happened!"),
        ("user", "chat", "ok"),
        ("user", "chat", "ok"),
        ("Rui", "7", "See you at nine"),
    ]
    assert drafts[0].at == datetime(2025, 2, 3, 18, 12, 18, tzinfo=UTC)
    assert drafts[2].at == datetime.fromtimestamp(1738610000, UTC)
    assert drafts[4].at == datetime(2025, 2, 3, 19, 13, 20, 500000, tzinfo=UTC)


def test_a_fine_tuning_line_is_a_conversation(data: Path, read: Read) -> None:
    drafts, _ = read("jsonl", data / "jsonl" / "chat.jsonl")
    assert [(draft.speaker, draft.content) for draft in drafts[5:]] == [
        ("system", "You are terse."),
        ("user", "Capital of Peru?"),
        ("assistant", "Lima"),
    ]
    assert {draft.session for draft in drafts[5:]} == {"chat/6"}


def test_of_what_comes_twice_the_first_stands_also_when_it_was_edited(write: Write) -> None:
    lines = [{"content": one, "key": "a"} for one in ("first", "second")]
    path = write("twice.jsonl", "\n".join(json.dumps(line) for line in lines))
    with Memory(":memory:") as memory:
        memory.import_(path)
        (cube,) = memory.list()
        assert cube.content == "first"
        memory.update(cube.id, "mine")
        assert memory.import_(path).added == 0
        assert [cube.content for cube in memory.list()] == ["mine"]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wrap", [list, lambda said: {"messages": said}])
def test_json_files_read_like_lines(
    indent: int | None, wrap: Callable[..., Any], read: Read, write: Write
) -> None:
    said = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    drafts, malformed = read("jsonl", write("chat.json", json.dumps(wrap(said), indent=indent)))
    assert [draft.content for draft in drafts] == ["Hello", "Hi"] and not malformed


def test_broken_lines_are_told_by_number_and_the_rest_kept(read: Read, write: Write) -> None:
    lines = [
        '{"text": "one"}',
        "",
        '{"text": "two"',
        '{"text": 3}',
        '{"text": "four", "at": "soon"}',
        '{"speaker": "Ana"}',
        '{"text": "  "}',
        "[1]",
        '{"text": NaN}',
        "[" * 100_000,
        '{"text": "last", "at": null}',
        '{"text": "trunc',
    ]
    drafts, malformed = read("jsonl", write("chat.jsonl", "\n".join(lines)))
    assert [draft.content for draft in drafts] == ["one", "last"]
    assert [one.place for one in malformed] == [
        f"chat.jsonl:{number}" for number in (3, 4, 5, 6, 7, 8, 9, 10, 12)
    ]


def test_the_file_name_is_no_part_of_the_keys(data: Path, read: Read, write: Write) -> None:
    text = (data / "jsonl" / "chat.jsonl").read_text()
    before, _ = read("jsonl", data / "jsonl" / "chat.jsonl")
    after, _ = read("jsonl", write("later.jsonl", '{"text": "earlier"}\n' + text + text[-300:]))
    assert {one.key for one in before} < {one.key for one in after}


def test_equal_ids_in_two_files_stay_two_messages(read: Read, write: Write) -> None:
    one, _ = read("jsonl", write("a.jsonl", '{"id": 1, "text": "one"}'))
    two, _ = read("jsonl", write("b.jsonl", '{"id": 1, "text": "two"}'))
    assert one[0].key != two[0].key


def test_a_key_is_taken_as_it_is(read: Read, write: Write) -> None:
    drafts, _ = read("jsonl", write("a.jsonl", '{"key": "mine", "text": "one"}'))
    assert drafts[0].key == "mine"


def test_unholdable_text_is_passed_on(read: Read, write: Write) -> None:
    drafts, malformed = read("jsonl", write("a.jsonl", '{"text": "a\\u0000\\ud800"}'))
    assert drafts[0].content == "a\0\ud800" and not malformed


def test_other_json_is_refused(read: Read, write: Write) -> None:
    with pytest.raises(ImportFailed, match="content, text or message"):
        read("jsonl", write("a.json", [{"width": 3}]))
