from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mnemon.cube import Draft
from mnemon.errors import ImportFailed, InvalidInput
from mnemon.importers import Malformed

Read = Callable[..., tuple[list[Draft], list[Malformed]]]
Write = Callable[[str, Any], Path]


def test_sections_know_their_headings(data: Path, read: Read) -> None:
    drafts, _ = read("markdown", data / "notes")
    told = [(draft.metadata["path"], draft.metadata.get("headings")) for draft in drafts]
    assert told == [
        ("lima.md", None),
        ("lima.md", ["Where we stay", "Barranco"]),
        ("lima.md", ["To buy"]),
        ("travel/packing.md", ["Bag"]),
    ]
    assert drafts[1].content.endswith("```sh\n# this is no heading\necho lima\n```")
    assert drafts[1].source == "markdown:lima.md:10"
    assert {draft.kind for draft in drafts} == {"note"}


def test_front_matter_is_kept_and_dates_the_note(data: Path, read: Read) -> None:
    drafts, _ = read("markdown", data / "notes" / "lima.md")
    assert drafts[0].at == datetime(2024, 3, 12, tzinfo=UTC)
    assert drafts[0].metadata["title"] == "A week in Lima"
    assert drafts[0].metadata["front_matter"] == {
        "title": "A week in Lima",
        "date": "2024-03-12",
        "tags": ["trip", "food"],
    }


def test_without_a_date_the_file_tells_the_time(read: Read, write: Write) -> None:
    path = write("a.md", "Hello")
    os.utime(path, (1710270903, 1710270903))
    drafts, _ = read("markdown", path)
    assert drafts[0].at == datetime.fromtimestamp(1710270903, UTC)
    assert drafts[0].metadata == {"path": "a.md", "title": "a"}


@pytest.mark.parametrize(
    "matter",
    [
        "a: [1",
        "- 1",
        "date: soon",
        "date: 2024-13-45",
        "a: !!int ''",
        "a: !!timestamp x",
        "a: &a [*a]",
        "a: 0001-01-01T00:00:00+23:59",
        "a: !!python/object:os.system x",
        "a: " + "[" * 1000,
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "\n".join(
            f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]"
            for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ),
    ],
)
def test_bad_front_matter_is_told_and_the_body_kept(matter: str, read: Read, write: Write) -> None:
    drafts, malformed = read("markdown", write("a.md", f"---\n{matter}\n---\nBody"))
    assert [draft.content for draft in drafts] == ["Body"]
    assert [one.place for one in malformed] == ["a.md:1"] or matter.startswith("a: 0001")


def test_long_sections_are_cut_between_paragraphs(read: Read, write: Write) -> None:
    paragraphs = [f"Paragraph {n}. " + "word " * 60 for n in range(20)]
    text = "# Long\n\n" + "\n\n".join(paragraphs) + "\n\n" + "x" * 4000
    drafts, _ = read("markdown", write("a.md", text))
    assert max(len(draft.content) for draft in drafts) <= 1500
    assert "".join("".join(draft.content for draft in drafts).split()) == "".join(text.split())
    assert all(draft.content.startswith("Paragraph") for draft in drafts[1:5])
    assert all(draft.metadata["headings"] == ["Long"] for draft in drafts)


def test_an_edited_section_is_new_and_the_others_stay(read: Read, write: Write) -> None:
    before, _ = read("markdown", write("a.md", "# A\none\n# B\ntwo\n# A\none\n"))
    after, _ = read(
        "markdown", write("a.md", "# 0\r\nnew\r\n# A\r\none\r\n# B\r\n2\r\n# A\r\none\r\n")
    )
    old = {one.key for one in before}
    assert len(old) == 3
    assert [one.content for one in after if one.key not in old] == ["# 0\nnew", "# B\n2"]


def test_what_is_not_utf8_is_told(read: Read, write: Write) -> None:
    write("n/bad.md", b"caf\xe9")
    folder = write("n/good.md", "café").parent
    drafts, malformed = read("markdown", folder)
    assert [draft.content for draft in drafts] == ["café"]
    assert malformed[0].place == "bad.md" and "byte 3" in malformed[0].reason
    with pytest.raises(ImportFailed, match="UTF-8"):
        read("markdown", folder / "bad.md")


def test_hidden_folders_and_no_notes(read: Read, write: Write) -> None:
    folder = write(".trash/old.md", "old").parent.parent
    with pytest.raises(ImportFailed, match=r"no \.md file"):
        read("markdown", folder)


def test_a_tiny_limit_is_refused(read: Read, data: Path) -> None:
    with pytest.raises(InvalidInput, match="at least 100"):
        read("markdown", data / "notes", limit=1)
