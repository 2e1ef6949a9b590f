"""The six commands; answers and refusals are worded as the SDK's own backend words them."""

from __future__ import annotations

from typing import Any

from anthropic.lib.tools import ToolError

from mnemon.cube import MemCube
from mnemon.errors import NotFound
from mnemon.integrations.anthropic import views
from mnemon.integrations.anthropic.files import Files, path_of, text_of
from mnemon.integrations.anthropic.paths import ROOT, checked
from mnemon.memory import Memory


class Commands:
    """What both tools do; each method takes a command as the SDK read it."""

    def __init__(self, memory: Memory, namespace: str | None) -> None:
        self.files = Files(memory, namespace)

    def view(self, command: Any) -> str:
        """A file with line numbers, or a folder's list."""
        path = checked(command.path)
        cube = self.files.get(path)
        if cube is not None:
            return views.file(command.path, text_of(cube), command.view_range)
        found = self.files.below(path)
        if not found and path != ROOT:
            raise ToolError(f"The path {command.path} does not exist. Please provide a valid path.")
        start = len(path) + 1
        sizes = {path_of(one)[start:]: len(_bytes(text_of(one))) for one in found}
        return views.folder(command.path, sizes)

    def create(self, command: Any) -> str:
        """A new file."""
        self.files.create(checked(command.path), command.file_text)
        return f"File created successfully at: {command.path}"

    def str_replace(self, command: Any) -> str:
        """Another text in the place of one that is there once."""
        line = 0

        def change(text: str) -> str:
            nonlocal line
            line = _only(text, command.old_str, command.path)
            return text.replace(command.old_str, command.new_str)

        text = self.files.edit(checked(command.path), change)
        return (
            "The memory file has been edited. Here is the snippet showing the change "
            f"(with line numbers):\n{views.change(text, line)}"
        )

    def insert(self, command: Any) -> str:
        """A text after a line; 0 is the beginning."""

        def change(text: str) -> str:
            lines = text.split("\n")
            if lines[-1] == "":
                lines.pop()
            if not 0 <= command.insert_line <= len(lines):
                raise ToolError(
                    f"Invalid `insert_line` parameter: {command.insert_line}. "
                    f"It should be within the range [0, {len(lines)}]."
                )
            lines.insert(command.insert_line, command.insert_text.rstrip("\n"))
            joined = "\n".join(lines)
            return joined if joined.endswith("\n") else joined + "\n"

        self.files.edit(checked(command.path), change)
        return f"The file {command.path} has been edited."

    def delete(self, command: Any) -> str:
        """Forget a file or a folder; the memory's past keeps it."""
        path = checked(command.path)
        if path == ROOT:
            raise ToolError(f"Cannot delete the {ROOT} directory itself")
        if not self.files.remove(path):
            raise ToolError(f"The path {command.path} does not exist")
        return f"Successfully deleted {command.path}"

    def rename(self, command: Any) -> str:
        """Another path for a file or a folder."""
        old, new = checked(command.old_path), checked(command.new_path)
        if old == ROOT:
            raise ToolError(f"Cannot rename the {ROOT} directory itself")
        if new == ROOT or self.files.get(new) or self.files.below(new):
            raise ToolError(f"The destination {command.new_path} already exists")
        self.files.move(old, new)
        return f"Successfully renamed {command.old_path} to {command.new_path}"

    def clear(self) -> str:
        """Forget all files."""
        self.files.remove(ROOT)
        return "All memory cleared"

    def history(self, path: str) -> list[MemCube]:
        """All versions of a file, oldest first."""
        return self.files.memory.history(self._cube(path).id, namespace=self.files.namespace)

    def restore(self, path: str, version: int) -> MemCube:
        """An old version of a file as its newest one."""
        cube = self._cube(path)
        return self.files.memory.restore(cube.id, version, namespace=self.files.namespace)

    def _cube(self, path: str) -> MemCube:
        cube = self.files.get(checked(path))
        if cube is None:
            raise NotFound(f"there is no file {path}: look with view, or in the memory's log")
        return cube


def _only(text: str, old: str, path: str) -> int:
    """The line, from 0, of the only place where `old` is."""
    lines: list[int] = []
    start = text.find(old)
    while start != -1 and start < max(len(text), 1):
        lines.append(text.count("\n", 0, start))
        start = text.find(old, start + 1)
    if not lines:
        raise ToolError(
            f"No replacement was performed, old_str `{old}` did not appear verbatim in {path}."
        )
    if text.count(old) > 1:
        told = ", ".join(str(line + 1) for line in lines)
        raise ToolError(
            f"No replacement was performed. Multiple occurrences of old_str `{old}` in lines: "
            f"{told}. Please ensure it is unique"
        )
    return lines[0]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
