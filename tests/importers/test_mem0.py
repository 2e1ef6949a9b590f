from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import Malformed

Read = Callable[..., tuple[list[Draft], list[Malformed]]]
Write = Callable[[str, Any], Path]


@pytest.fixture
def export(data: Path) -> Any:
    return json.loads((data / "mem0" / "memories.json").read_text())


def test_a_memory_is_a_fact(data: Path, read: Read) -> None:
    drafts, _ = read("mem0", data / "mem0" / "memories.json")
    assert [draft.kind for draft in drafts] == ["fact", "fact"]
    assert drafts[0].metadata == {
        "category": "hobbies",
        "user_id": "ana",
        "created_at": "2024-07-20T01:30:36.275141-07:00",
    }
    assert drafts[1].at == datetime(2024, 8, 1, 17, tzinfo=UTC), "when it was last updated"
    assert drafts[1].session == "mem0/trip-1" and drafts[1].metadata["categories"] == ["home"]


def test_lists_and_lines_read_like_the_object(export: Any, read: Read, write: Write) -> None:
    whole, _ = read("mem0", write("a.json", export))
    bare, _ = read("mem0", write("b.json", export["results"]))
    lines = "\n".join(json.dumps(one) for one in export["results"])
    assert whole == bare == read("mem0", write("c.jsonl", lines))[0]


def test_an_updated_memory_comes_again_and_the_others_do_not(
    export: Any, read: Read, write: Write
) -> None:
    before, _ = read("mem0", write("a.json", export))
    export["results"][1]["memory"] = "Lives in Cusco"
    after, _ = read("mem0", write("a.json", export))
    assert before[0].key == after[0].key and before[1].key != after[1].key


def test_broken_memories_are_told_and_the_rest_kept(export: Any, read: Read, write: Write) -> None:
    good = export["results"][0]
    bad = [
        {"id": "1"},
        {**good, "id": None},
        {**good, "created_at": "May"},
        7,
        {**good, "memory": 1},
    ]
    drafts, malformed = read("mem0", write("a.json", {"results": [*bad, good], "relations": []}))
    assert [draft.content for draft in drafts] == [good["memory"]]
    assert [one.place for one in malformed] == [f"a.json: memory {n}" for n in range(1, 6)]


def test_no_memories_are_none(read: Read, write: Write) -> None:
    assert read("mem0", write("a.json", {"results": []})) == ([], [])


def test_other_json_is_refused(read: Read, write: Write) -> None:
    with pytest.raises(ImportFailed, match="mem0"):
        read("mem0", write("a.json", [{"text": "Hello"}]))
