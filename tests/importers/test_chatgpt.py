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
    return json.loads((data / "chatgpt" / "conversations.json").read_text())


def test_the_shown_branch_is_read_in_order(data: Path, read: Read) -> None:
    drafts, _ = read("chatgpt", data / "chatgpt" / "conversations.json")
    first = [draft for draft in drafts if draft.session == "chatgpt/6f0e-1"]
    assert [draft.content for draft in first] == [
        "We fly to Lima on Friday. Is Ana's flat near the sea?",
        "Barranco is by the sea: ten minutes on foot.",
        "[image]\nWhat is this fruit?",
        "print('lucuma')",
        "A lúcuma 🥭.",
    ]
    assert [draft.speaker for draft in first] == ["user", "assistant", "user", *["assistant"] * 2]


def test_a_message_says_where_it_comes_from(data: Path, read: Read) -> None:
    drafts, _ = read("chatgpt", data / "chatgpt" / "conversations.json")
    assert drafts[1].key == drafts[1].source == "chatgpt:6f0e-1#a1"
    assert drafts[1].at == datetime(2024, 3, 12, 19, 15, 23, 250000, tzinfo=UTC)
    assert drafts[1].metadata == {"title": "Week in Lima", "role": "assistant", "model": "gpt-4o"}
    assert drafts[2].metadata["attachments"] == ["market.jpg"]


def test_a_message_without_a_time_has_that_of_the_one_before(data: Path, read: Read) -> None:
    drafts, _ = read("chatgpt", data / "chatgpt" / "conversations.json")
    # The one before is what the tool answered, which is not kept itself.
    assert drafts[4].at == datetime.fromtimestamp(1710270946.25, UTC)


def test_options_rename_speakers_and_keep_tools(data: Path, read: Read) -> None:
    path = data / "chatgpt" / "conversations.json"
    drafts, _ = read("chatgpt", path, user="Ines", assistant="GPT", tools=True)
    assert {draft.speaker for draft in drafts} == {"Ines", "GPT", "python"}
    assert "lucuma\n" in [draft.content for draft in drafts]


def test_broken_entries_are_told_and_the_rest_kept(export: Any, read: Read, write: Write) -> None:
    nodes = export[0]["mapping"]
    nodes["u1"]["message"]["create_time"] = "yesterday"
    nodes["u2"]["message"]["content"]["parts"] = [5]
    nodes["c1"]["message"] = 5
    drafts, malformed = read("chatgpt", write("conversations.json", [None, *export, {"id": "x"}]))
    assert len(drafts) == 4
    assert [one.place.removeprefix("conversations.json: ") for one in malformed] == [
        "conversation 1",
        "conversation 2, message 2",
        "conversation 2, message 4",
        "conversation 2, message 6",
        "conversation 4",
    ]
    assert "yesterday" in malformed[1].reason and "mapping is missing" in malformed[4].reason


def test_an_unknown_leaf_gives_the_newest_branch(export: Any, read: Read, write: Write) -> None:
    export[1]["current_node"] = "gone"
    drafts, malformed = read("chatgpt", write("conversations.json", export[1:]))
    assert [draft.key for draft in drafts] == ["chatgpt:6f0e-2#b1", "chatgpt:6f0e-2#b2"]
    assert "'gone' is not in mapping" in malformed[0].reason


def test_a_tree_in_a_circle_ends(export: Any, read: Read, write: Write) -> None:
    export[1]["mapping"]["r2"]["parent"] = "b2"
    drafts, malformed = read("chatgpt", write("conversations.json", export[1:]))
    assert len(drafts) == 2 and "broken at node 'b2'" in malformed[0].reason


def test_a_grown_export_keeps_the_old_keys(export: Any, read: Read, write: Write) -> None:
    before, _ = read("chatgpt", write("conversations.json", export))
    later = json.loads(json.dumps(export[1]))
    later["mapping"]["b3"] = {
        "id": "b3",
        "parent": "b2",
        "children": [],
        "message": {**later["mapping"]["b1"]["message"], "id": "b3"},
    }
    later["current_node"] = "b3"
    after, _ = read("chatgpt", write("conversations.json", [later, export[0]]))
    assert {one.key for one in after} - {one.key for one in before} == {"chatgpt:6f0e-2#b3"}
    assert len(after) == len(before) + 1


def test_unholdable_text_is_passed_on_for_the_store_to_tell(
    export: Any, read: Read, write: Write
) -> None:
    export[1]["mapping"]["b1"]["message"]["content"]["parts"] = ["a\0b", "\ud800"]
    drafts, malformed = read("chatgpt", write("conversations.json", export[1:]))
    assert drafts[0].content == "a\0b\n\ud800" and not malformed


def test_another_list_is_refused(read: Read, write: Write) -> None:
    with pytest.raises(ImportFailed, match="not a ChatGPT export"):
        read("chatgpt", write("conversations.json", [{"uuid": "c", "chat_messages": []}]))


def test_an_account_without_conversations_is_empty(read: Read, write: Write) -> None:
    assert read("chatgpt", write("conversations.json", [])) == ([], [])
