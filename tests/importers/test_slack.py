from __future__ import annotations

import json
import shutil
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
def export(data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(data / "slack", tmp_path / "export"))


def test_ids_links_and_escapes_become_readable(data: Path, read: Read) -> None:
    drafts, _ = read("slack", data / "slack")
    assert [(draft.speaker, draft.content) for draft in drafts] == [
        ("Rui", "Lunch?"),
        (
            "Ana",
            "Hi @Tomás R., see #general and the plan (https://x.org/a?b=1&c=2): 1 < 2 &amp; @here",
        ),
        ("Tomás R.", "Write ana@x.org, or https://x.org"),
        ("Tomás R.", "[file: plan.pdf]"),
        ("deploy", "done"),
    ]


def test_a_session_is_a_thread_or_a_day(data: Path, read: Read) -> None:
    drafts, _ = read("slack", data / "slack")
    assert [draft.session for draft in drafts] == [
        "slack/D07/2024-03-13",
        "slack/general/thread/1710270903.000100",
        "slack/general/thread/1710270903.000100",
        "slack/general/2024-03-12",
        "slack/general/2024-03-12",
    ]
    assert drafts[1].key == drafts[1].source == "slack:C1#1710270903.000100"
    assert drafts[1].at == datetime(2024, 3, 12, 19, 15, 3, 100, tzinfo=UTC)
    assert drafts[3].metadata == {"channel": "general", "attachments": ["plan.pdf"]}


def test_broken_messages_are_told_and_the_rest_kept(export: Path, read: Read) -> None:
    day = export / "general" / "2024-03-12.json"
    good = json.loads(day.read_text())[1]
    bad = [{**good, "ts": "noon"}, {**good, "text": 5}, {"ts": "1", "text": "x"}, 0, {"user": "U1"}]
    day.write_text(json.dumps([*bad, good]))
    drafts, malformed = read("slack", export)
    assert [draft.speaker for draft in drafts] == ["Rui", "Ana"]
    place = "general/2024-03-12.json: message"
    assert [one.place for one in malformed] == [f"{place} {n}" for n in range(1, 6)]


def test_without_the_list_of_users_ids_stay(export: Path, read: Read) -> None:
    (export / "users.json").write_text('[{"id": "U1", "name"')
    drafts, malformed = read("slack", export)
    assert drafts[1].speaker == "U1" and drafts[1].content.startswith("Hi @U2,")
    assert [one.place for one in malformed] == ["users.json: entry 1"]


def test_a_truncated_day_keeps_its_beginning(export: Path, read: Read) -> None:
    day = export / "general" / "2024-03-12.json"
    day.write_bytes(day.read_bytes()[:-150])
    drafts, malformed = read("slack", export)
    assert len(drafts) >= 4 and malformed[0].place.startswith("general/2024-03-12.json: message")


def test_a_grown_export_keeps_the_old_keys(export: Path, read: Read) -> None:
    before, _ = read("slack", export)
    later = [{"type": "message", "user": "U1", "text": "Next day", "ts": "1710400000.000100"}]
    (export / "general" / "2024-03-14.json").write_text(json.dumps(later))
    after, _ = read("slack", export)
    new = {one.key for one in after} - {one.key for one in before}
    assert new == {"slack:C1#1710400000.000100"}


def test_another_folder_is_refused(read: Read, tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="no Slack export"):
        read("slack", tmp_path)
