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
    return json.loads((data / "claude" / "conversations.json").read_text())


def test_text_blocks_are_the_message(data: Path, read: Read) -> None:
    drafts, _ = read("claude", data / "claude" / "conversations.json", user="Ines")
    assert drafts[1].content == "Yes, twice.\n\nKeep it at 25 °C."
    assert [draft.speaker for draft in drafts] == ["Ines", "assistant", "Ines", "Ines", "Ines"]
    assert drafts[0].key == drafts[0].source == "claude:3b1c-1#m1"
    assert drafts[0].at == datetime(2024, 3, 12, 19, 15, 10, 500000, tzinfo=UTC)
    assert drafts[0].metadata == {"title": "Bread", "role": "human"}
    assert drafts[4].session == "claude/3b1c-2"


def test_an_attached_text_is_a_note_of_its_message(data: Path, read: Read) -> None:
    drafts, _ = read("claude", data / "claude" / "conversations.json")
    message, note = drafts[2:4]
    assert message.content == "[attachment: recipe.txt][attachment: crumb.jpg]"
    assert (note.kind, note.content[:11]) == ("note", "500 g flour")
    assert note.links == (("part_of", message.key),)
    without, _ = read("claude", data / "claude" / "conversations.json", attachments=False)
    assert note.key not in {draft.key for draft in without} and len(without) == 4


def test_a_nameless_paste_is_kept(export: Any, read: Read, write: Write) -> None:
    export[0]["chat_messages"][2]["attachments"][0]["file_name"] = ""
    export[0]["chat_messages"][2]["files"] = []
    drafts, _ = read("claude", write("conversations.json", export))
    assert drafts[2].content == "[attachment: pasted text]" and drafts[3].kind == "note"


def test_broken_entries_are_told_and_the_rest_kept(export: Any, read: Read, write: Write) -> None:
    messages = export[0]["chat_messages"]
    messages[0]["created_at"] = "12 o'clock"
    messages[1]["content"] = "Yes"
    del messages[2]["sender"]
    del export[1]["uuid"]
    drafts, malformed = read("claude", write("conversations.json", [*export, "x", *export[:1]]))
    assert [one.place.removeprefix("conversations.json: ") for one in malformed[:5]] == [
        "conversation 1, message 1",
        "conversation 1, message 2",
        "conversation 1, message 3",
        "conversation 2",
        "conversation 3",
    ]
    assert "12 o'clock" in malformed[0].reason and not drafts


def test_a_grown_export_keeps_the_old_keys(export: Any, read: Read, write: Write) -> None:
    before, _ = read("claude", write("conversations.json", export))
    export[1]["chat_messages"].append({**export[1]["chat_messages"][0], "uuid": "m10"})
    after, _ = read("claude", write("conversations.json", export[::-1]))
    assert {one.key for one in after} - {one.key for one in before} == {"claude:3b1c-2#m10"}


def test_a_truncated_file_tells_where(export: Any, read: Read, write: Write) -> None:
    text = json.dumps(export)
    drafts, malformed = read("claude", write("conversations.json", text[:-40]))
    assert len(drafts) == 4
    assert malformed[0].place == "conversations.json: conversation 2"


def test_another_file_is_refused(read: Read, write: Write) -> None:
    with pytest.raises(ImportFailed, match="not a Claude export"):
        read("claude", write("conversations.json", {"chat": "none"}))
