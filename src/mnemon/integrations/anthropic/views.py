"""Views: files and folders as the memory tool shows them, word for word as the SDK's backend."""

from __future__ import annotations

from collections.abc import Mapping

from anthropic.lib.tools import ToolError

MAX_LINES = 999_999
_WIDTH = len(str(MAX_LINES))
_UNITS = ("B", "K", "M", "G")
_DEPTH = 2


def folder(shown: str, sizes: Mapping[str, int]) -> str:
    """A folder with what it holds, two levels deep; `sizes` are bytes by path relative to it."""
    rows = [f"{_size(sum(sizes.values()))}\t{shown}"]
    rows += [f"{size}\t{shown.rstrip('/')}/{name}" for size, name in _rows(sizes, "", 1)]
    return (
        f"Here're the files and directories up to {_DEPTH} levels deep in {shown}, "
        "excluding hidden items:\n" + "\n".join(rows)
    )


def _rows(sizes: Mapping[str, int], before: str, depth: int) -> list[tuple[str, str]]:
    names = sorted({path.partition("/")[0] for path in sizes if not path.startswith(".")})
    rows: list[tuple[str, str]] = []
    for name in names:
        if name in sizes:
            rows.append((_size(sizes[name]), before + name))
            continue
        start = len(name) + 1
        below = {path[start:]: n for path, n in sizes.items() if path.startswith(f"{name}/")}
        rows.append((_size(sum(below.values())), f"{before}{name}/"))
        if depth < _DEPTH:
            rows += _rows(below, f"{before}{name}/", depth + 1)
    return rows


def file(shown: str, text: str, view_range: list[int] | None) -> str:
    """A file with line numbers, or those lines of it (from 1; -1 is the end)."""
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise ToolError(f"File {shown} exceeds maximum line limit of 999,999 lines.")
    first, last = 1, len(lines)
    if view_range and len(view_range) == 2:
        first = max(1, view_range[0])
        last = last if view_range[1] == -1 else view_range[1]
    told = numbered(lines, first, last)
    return f"Here's the content of {shown} with line numbers:\n{told}"


def change(text: str, line: int) -> str:
    """The lines around a changed one (from 0)."""
    lines = text.split("\n")
    return numbered(lines, max(0, line - 2) + 1, min(len(lines), line + 3))


def numbered(lines: list[str], first: int, last: int) -> str:
    """Lines `first` to `last`, from 1, with their numbers."""
    shown = lines[first - 1 : last]
    return "\n".join(f"{str(first + i).rjust(_WIDTH)}\t{line}" for i, line in enumerate(shown))


def _size(count: int) -> str:
    if count == 0:
        return "0B"
    power = min((count.bit_length() - 1) // 10, len(_UNITS) - 1)
    size = count / 1024**power
    return f"{int(size)}{_UNITS[power]}" if size == int(size) else f"{size:.1f}{_UNITS[power]}"
