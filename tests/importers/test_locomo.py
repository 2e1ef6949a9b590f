from __future__ import annotations

import json
import os
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
def samples(data: Path) -> Any:
    return json.loads((data / "locomo" / "locomo.json").read_text())


def test_turns_keep_their_order_in_time(data: Path, read: Read) -> None:
    drafts, _ = read("locomo", data / "locomo" / "locomo.json")
    assert drafts[1] == Draft(
        content="Look where I was! [photo: a photo of a lake]",
        speaker="Ana",
        session="conv-1/session_1",
        at=datetime(2023, 5, 8, 13, 56, 1, tzinfo=UTC),
        source="locomo:conv-1:D1:2",
        key="locomo:conv-1:D1:2",
        metadata={"dia_id": "D1:2", "sample": "conv-1"},
    )
    assert drafts[2].at == datetime(2023, 9, 13, 0, 9, tzinfo=UTC), "12 am is midnight"


def test_one_sample_can_be_picked(data: Path, read: Read) -> None:
    drafts, _ = read("locomo", data / "locomo" / "locomo.json", sample="conv-2")
    assert [draft.key for draft in drafts] == ["locomo:conv-2:D1:1"]
    with pytest.raises(ImportFailed, match="conv-1, conv-2"):
        read("locomo", data / "locomo" / "locomo.json", sample="conv-3")


def test_broken_parts_are_told_and_the_rest_kept(samples: Any, read: Read, write: Write) -> None:
    talk = samples[0]["conversation"]
    talk["session_1"][0] = {"speaker": "Bea", "dia_id": "D1:1"}
    talk["session_2_date_time"] = "30 Smarch, 2023"
    del samples[1]["sample_id"]
    drafts, malformed = read("locomo", write("locomo.json", samples))
    assert [draft.key for draft in drafts] == ["locomo:conv-1:D1:2"]
    assert [one.place for one in malformed] == [
        "locomo.json: sample 1, session_1, turn 1",
        "locomo.json: sample 1, session_2",
        "locomo.json: sample 2",
    ]


def test_another_list_is_refused(read: Read, write: Write) -> None:
    with pytest.raises(ImportFailed, match="not LoCoMo"):
        read("locomo", write("locomo.json", [{"text": "Hello"}]))


def test_the_published_data_reads_whole(read: Read) -> None:
    folder = os.environ.get("MNEMON_DATA")
    if not folder or not Path(folder, "locomo10.json").exists():
        pytest.skip(
            "set MNEMON_DATA to a folder with locomo10.json "
            "from https://github.com/snap-research/locomo (data/locomo10.json)"
        )
    drafts, malformed = read("locomo", Path(folder, "locomo10.json"))
    assert (len(drafts), malformed) == (5882, [])
    assert len({draft.key for draft in drafts}) == 5882
