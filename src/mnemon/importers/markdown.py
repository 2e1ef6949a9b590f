"""Markdown notes: one file, or a folder or zip of them with all its folders.

    ---
    date: 2024-03-12
    tags: [trip]
    ---
    # Lima
    We stay with Ana.

Source: https://commonmark.org; front matter is YAML, as Jekyll, Obsidian and Hugo write it.
A note is cut at its `#` headings into sections, and a section longer than `limit` characters
between its paragraphs: cubes of kind `note`. The time is `date` or `created` of the front matter,
else when the file was changed. Keys come from the file's path, the headings, the text and how
often they occurred: an edited section is a new cube, the others stay. Hidden folders are skipped.

Errors: a file that is not UTF-8, front matter that is no YAML and dates that cannot be read are
reported; the note's body is kept in the latter two cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from mnemon.cube import Draft
from mnemon.errors import ImportFailed, InvalidInput
from mnemon.importers import History, Malformed
from mnemon.importers._fields import Broken, label, moment
from mnemon.importers._history import listing
from mnemon.importers._key import Occurrences
from mnemon.importers._sections import Section, fields, front_matter, pieces, sections

__all__ = ["Markdown"]

_SUFFIXES = (".md", ".markdown")


@dataclass(frozen=True)
class Markdown:
    """Reads Markdown notes: one note cube for each section of at most `limit` characters."""

    limit: int = 1500

    def __post_init__(self) -> None:
        if self.limit < 100:
            raise InvalidInput(f"limit is {self.limit}: a note needs at least 100 characters")

    suffixes: ClassVar[tuple[str, ...]] = (*_SUFFIXES, ".zip")

    def sniff(self, path: Path, head: bytes) -> bool:
        """By suffix; a folder or zip when most of its texts are Markdown."""
        if path.suffix.lower() in _SUFFIXES and not path.is_dir():
            return True
        files = [name.lower() for name in listing(path)]
        notes = sum(name.endswith(_SUFFIXES) for name in files)
        return notes > sum(name.endswith((".json", ".jsonl", ".txt")) for name in files)

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """File by file, section by section.

        Raises:
            ImportFailed: there is no Markdown file, or the only one is not UTF-8.
        """
        files = history.files("*.md") + history.files("*.markdown")
        if not files:
            raise ImportFailed(f"{history.path} has no .md file")
        seen = Occurrences("markdown")
        for name in sorted(set(files)):
            with history.open(name) as stream:
                raw = stream.read()
            try:
                text = raw.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                if name == history.path.name and history.path.is_file():
                    raise ImportFailed(f"{name} is no Markdown: not UTF-8 text") from error
                yield Malformed(name, f"not UTF-8: {error.reason} at byte {error.start}")
                continue
            yield from self._note(history, name, text.replace("\r\n", "\n"), seen)

    def _note(
        self, history: History, name: str, text: str, seen: Occurrences
    ) -> Iterator[Draft | Malformed]:
        matter, start = front_matter(text)
        front: dict[str, Any] = {}
        at = None
        try:
            front = fields(matter)
            at = _written(front)
        except Broken as error:
            yield Malformed(f"{name}:1", str(error))
        at = at or history.modified(name)
        for section in sections(text[start:], text.count("\n", 0, start) + 1):
            for piece in pieces(section.text, self.limit):
                yield _draft(name, section, piece, at, front, seen)


def _draft(
    name: str,
    section: Section,
    piece: str,
    at: datetime | None,
    front: dict[str, Any],
    seen: Occurrences,
) -> Draft:
    metadata: dict[str, Any] = {"path": name, "title": _title(name, front)}
    if section.headings:
        metadata["headings"] = list(section.headings)
    if front:
        metadata["front_matter"] = front
    return Draft(
        content=piece,
        kind="note",
        session=f"markdown/{name}",
        at=at,
        source=f"markdown:{name}:{section.line}",
        key=seen.key(name, section.headings, piece),
        metadata=metadata,
    )


def _title(name: str, front: dict[str, Any]) -> str:
    return label(front, "title") or PurePosixPath(name).stem


def _written(front: dict[str, Any]) -> datetime | None:
    found = next((front[name] for name in ("date", "created") if front.get(name)), None)
    return None if found is None else moment(found)
