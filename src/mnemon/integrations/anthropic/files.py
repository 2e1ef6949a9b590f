"""Files: cubes under their paths. A folder is there while a file is in it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from anthropic.lib.tools import ToolError

from mnemon import namespace as namespaces
from mnemon.cube import Draft, MemCube
from mnemon.errors import NotFound, VersionConflict
from mnemon.integrations.anthropic.paths import ROOT, inside
from mnemon.integrations.wording import searchable
from mnemon.memory import Memory

KIND = "file"
_ALL = -1
_EMPTY = "(empty file)"


class Files:
    """The files of one memory tool, below a namespace; paths are in normal form."""

    def __init__(self, memory: Memory, namespace: str | None) -> None:
        self.memory = memory
        self.namespace = namespaces.check(namespace or f"{memory.namespace}/memories")
        self._lock = threading.Lock()

    def get(self, path: str) -> MemCube | None:
        """The file's cube, if there is such a file."""
        found = self._of(path)
        return found[0] if found else None

    def below(self, folder: str) -> list[MemCube]:
        """The files in a folder and in its folders."""
        every = self.memory.list(namespace=self.namespace, kind=KIND, limit=_ALL)
        return [cube for cube in every if inside(path_of(cube), folder)]

    def create(self, path: str, text: str) -> None:
        """A new file; ToolError where one or a folder is."""
        with self._lock:
            if path == ROOT or self.get(path) or self.below(path):
                raise ToolError(f"File {path} already exists")
            self._check_folder(path)
            draft = Draft(
                **_told(path, text), kind=KIND, session=path, producer="integration:anthropic"
            )
            made = self.memory.add(draft, namespace=self.namespace)
            if self._of(path)[0].id != made.id:  # another process was faster: theirs stays
                self.memory.forget(made.id, namespace=self.namespace)
                raise ToolError(f"File {path} already exists")

    def edit(self, path: str, change: Callable[[str], str]) -> str:
        """A new version of a file's text, made from its latest one; what it is now."""
        with self._lock:
            cube = self._file(path)
            text = change(text_of(cube))
            self._revise(cube, path, text)
        return text

    def move(self, old: str, new: str) -> None:
        """A file, or a folder with all in it, under another path."""
        with self._lock:
            moved = [self.get(old)] if self.get(old) else self.below(old)
            if not moved:
                raise ToolError(f"The path {old} does not exist")
            if inside(new, old):
                raise ToolError(f"Cannot move {old} into itself: {new}")
            self._check_folder(new)
            for cube in moved:
                assert cube is not None
                self._revise(cube, new + path_of(cube)[len(old) :], text_of(cube))

    def remove(self, path: str) -> int:
        """Forget a file, or a folder with all in it; how many files that were."""
        gone = [*self._of(path), *self.below(path)]
        ids = [cube.id for cube in gone]
        return self.memory.forget(ids, namespace=self.namespace).cubes if ids else 0

    def _of(self, path: str) -> list[MemCube]:
        return self.memory.list(namespace=self.namespace, kind=KIND, session=path, limit=_ALL)

    def _file(self, path: str) -> MemCube:
        found = self.get(path)
        if found is None:
            if path == ROOT or self.below(path):
                raise ToolError(f"The path {path} is not a file.")
            raise ToolError(f"The path {path} does not exist. Please provide a valid path.")
        return found

    def _check_folder(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        while folder != ROOT:
            if self.get(folder):
                raise ToolError(f"The path {folder} is a file, not a directory")
            folder = folder.rpartition("/")[0]

    def _revise(self, cube: MemCube, path: str, text: str) -> None:
        try:
            self.memory.update(
                cube.id, version=cube.version, namespace=self.namespace, session=path,
                **_told(path, text),
            )  # fmt: skip
        except (VersionConflict, NotFound) as error:
            raise ToolError(
                f"The file {path} was changed by someone else meanwhile. View it and try again."
            ) from error


def path_of(cube: MemCube) -> str:
    """The path of a file."""
    return str(cube.session)


def text_of(cube: MemCube) -> str:
    """The text of a file, exactly."""
    told = cube.metadata.get("text")
    return cube.content if told is None else str(json.loads(told))


def _told(path: str, text: str) -> dict[str, Any]:
    """Content and metadata; the text is there as well where a cube's content cannot be the same."""
    content = searchable(text, _EMPTY)
    exact = {} if content == text else {"text": json.dumps(text)}
    return {"content": content, "metadata": {"path": path, **exact}}
