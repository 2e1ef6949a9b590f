from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mnemon.cube import Draft
from mnemon.errors import ImportFailed, UnknownName
from mnemon.importers import Malformed

Read = Callable[..., tuple[list[Draft], list[Malformed]]]
Write = Callable[[str, Any], Path]
ANDROID = Path("whatsapp") / "WhatsApp Chat with Ana.txt"


def test_android_messages(data: Path, read: Read) -> None:
    drafts, _ = read("whatsapp", data / ANDROID)
    assert [(draft.speaker, draft.content) for draft in drafts] == [
        ("Ana", "Did you see it?\nIt is on the table:\nthe blue one"),
        ("Tomás R.", "Yes: thanks!"),
        ("Tomás R.", "<Media omitted>"),
        ("Ana", "ok"),
        ("Ana", "ok"),
    ]
    assert drafts[0].at == datetime(2024, 3, 12, 21, 15, tzinfo=UTC)
    assert drafts[3].at == datetime(2024, 3, 13, 0, 5, tzinfo=UTC)
    assert [draft.session for draft in drafts[2:4]] == ["Ana/2024-03-12", "Ana/2024-03-13"]


def test_ios_messages_and_marks(read: Read, write: Write) -> None:
    text = (
        "\ufeff\u200e[12/03/2024, 21:15:03] Ana: "
        "\u200eMessages and calls are end-to-end encrypted.\r\n"
        "[12/03/2024, 21:15:04] \u202aAna\u202c: Hi: you\r\n"
        "\u200e[12/03/2024, 9:15:05\u202fPM] Tom: \u200e<attached: 0001-PHOTO.jpg>\r\n"
        '[12/03/2024, 21:16:00] Ana changed the subject to "Plan: B"\r\n'
    )
    drafts, malformed = read("whatsapp", write("WhatsApp Chat - Ana/_chat.txt", text))
    assert [(draft.speaker, draft.content) for draft in drafts] == [
        ("Ana", "Hi: you"),
        ("Tom", "<attached: 0001-PHOTO.jpg>"),
    ]
    assert drafts[1].at == datetime(2024, 3, 12, 21, 15, 5, tzinfo=UTC)
    assert drafts[0].session == "Ana/2024-03-12" and not malformed


@pytest.mark.parametrize(
    ("written", "options", "expected"),
    [
        (["03/12/24", "03/13/24"], {}, (3, 12)),
        (["03/12/24", "13/03/24"], {}, (12, 3)),
        (["03/04/24"], {}, (4, 3)),
        (["03/04/24"], {"day_first": False}, (3, 4)),
        (["03/12/24", "13/03/24"], {"day_first": False}, (12, 3)),
        (["3.12.24"], {}, (12, 3)),
        (["3-12-2024"], {}, (12, 3)),
        (["2024-12-03"], {"day_first": False}, (12, 3)),
    ],
)
def test_the_whole_file_decides_what_comes_first(
    written: list[str], options: Any, expected: tuple[int, int], read: Read, write: Write
) -> None:
    text = "".join(f"{date}, 10:00 - Ana: hi\n" for date in written)
    drafts, malformed = read("whatsapp", write("a.txt", text), **options)
    assert isinstance(drafts[0].at, datetime) and not malformed
    assert (drafts[0].at.month, drafts[0].at.day) == expected


def test_the_zone_moves_the_time_but_not_the_keys(data: Path, read: Read) -> None:
    here, _ = read("whatsapp", data / ANDROID)
    there, _ = read("whatsapp", data / ANDROID, zone="America/Lima")
    assert there[0].at == datetime(2024, 3, 13, 2, 15, tzinfo=UTC)
    assert [(one.key, one.session) for one in here] == [(one.key, one.session) for one in there]
    with pytest.raises(UnknownName, match="Mars"):
        read("whatsapp", data / ANDROID, zone="Mars/Base")


def test_broken_messages_are_told_by_line_and_the_rest_kept(read: Read, write: Write) -> None:
    lines = [
        "lost beginning",
        "31/02/24, 10:00 - Ana: no such day",
        "12/03/24, 25:00 - Ana: no such hour",
        "13/03/24, 10:00 - Ana: good",
        "13/03/24, 10:01 - Ana: ",
        "caf\xe9",
        "13/03/24, 10:02 - Ana: last",
    ]
    path = write("a.txt", "\n".join(lines).encode("latin-1"))
    drafts, malformed = read("whatsapp", path)
    assert [draft.content for draft in drafts] == ["good", "last"]
    assert sorted(one.place for one in malformed) == [f"a.txt:{n}" for n in (1, 2, 3, 5, 6)]


def test_a_grown_chat_keeps_the_old_keys(data: Path, read: Read, write: Write) -> None:
    text = (data / ANDROID).read_text()
    before, _ = read("whatsapp", data / ANDROID)
    after, _ = read(
        "whatsapp", write("WhatsApp Chat with Ana (1).txt", text + "13/03/24, 0:05 - Ana: ok\n")
    )
    assert [one.key for one in after][:-1] == [one.key for one in before]
    assert len({one.key for one in after}) == len(before) + 1


def test_other_text_is_refused(read: Read, write: Write) -> None:
    with pytest.raises(ImportFailed, match="no WhatsApp chat"):
        read("whatsapp", write("a.txt", "Dear diary,\n12/03/24 was fine"))
