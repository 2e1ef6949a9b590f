"""Cutting Markdown: front matter off, sections at headings, long sections into pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from mnemon.importers._fields import Broken

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_DEEPEST, _MOST = 20, 10_000
# What PyYAML raises for values it takes for numbers or times and that are none.
_NO_YAML = (
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document from one heading to the next, heading line included."""

    headings: tuple[str, ...]
    text: str
    line: int


def front_matter(document: str) -> tuple[str, int]:
    """The YAML between `---` lines at the top, "" for none, and where the body begins."""
    found = _FRONT.match(document)
    return (found[1], found.end()) if found else ("", 0)


def fields(source: str) -> dict[str, Any]:
    """Front matter as JSON-able data; dates become ISO 8601 text.

    Raises:
        Broken: no YAML, no mapping, or too large.
    """
    try:
        found = yaml.safe_load(source)
    except _NO_YAML as error:
        reason = " ".join(str(error).split())
        raise Broken(f"front matter is no YAML: {reason}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Broken(f"front matter is {type(found).__name__}, not a mapping")
    return {str(name): _plain(value, [0]) for name, value in found.items()}


def _plain(value: object, seen: list[int], depth: int = 0) -> Any:
    seen[0] += 1
    # Aliases let ten lines of YAML unfold to billions of values, or contain themselves.
    if depth > _DEEPEST or seen[0] > _MOST:
        raise Broken("front matter is too large or refers to itself")
    if isinstance(value, dict):
        return {str(name): _plain(one, seen, depth + 1) for name, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(one, seen, depth + 1) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | str):
        return value
    return value if isinstance(value, float) and abs(value) < float("inf") else str(value)


def sections(body: str, line: int = 1) -> Iterator[Section]:
    """The sections of a document whose first line has the number `line`.

    A heading with nothing under it is a section only when no deeper heading follows it.
    """
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    start = line
    fence = ""
    for number, text in enumerate(body.split("\n"), line):
        fence = _fenced(fence, text)
        found = None if fence else _HEADING.fullmatch(text)
        if found is None:
            lines.append(text)
            continue
        depth = len(found[1])
        yield from _section(path, lines, start, depth)
        path = [*(one for one in path if one[0] < depth), (depth, _title(found[2]))]
        lines, start = [text], number
    yield from _section(path, lines, start, 0)


def _title(written: str) -> str:
    """A heading without the `#` that may close it."""
    title = written.strip()
    open = title.rstrip("#")
    return open.rstrip() if not open or open[-1] in " \t" else title


def _fenced(fence: str, line: str) -> str:
    """The fence that is open after this line, "" for none."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    if not fence:
        return found[1]
    return "" if found[1].startswith(fence) and line.strip() == found[1] else fence


def _section(
    path: list[tuple[int, str]], lines: list[str], start: int, following: int
) -> Iterator[Section]:
    bare = bool(path) and not any(line.strip() for line in lines[1:])
    if any(line.strip() for line in lines) and not (bare and following > path[-1][0]):
        text = "\n".join(lines).strip("\n")
        yield Section(tuple(title for _, title in path), text, start)


def pieces(text: str, limit: int) -> Iterator[str]:
    """Text in pieces of at most `limit` characters, cut between paragraphs where possible."""
    start = 0
    while start < len(text):
        stop = _stop(text, start, start + limit)
        piece = text[start:stop].strip("\n")
        if piece.strip():
            yield piece
        start = stop


def _stop(text: str, start: int, most: int) -> int:
    if most >= len(text):
        return len(text)
    # A cut near the beginning would leave a heading alone.
    least = start + (most - start) // 4
    for end in ("\n\n", "\n", ". ", " "):
        at = text.rfind(end, least, most)
        if at >= 0:
            return at + len(end)
    return most
