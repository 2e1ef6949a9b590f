"""RemoteMemory: a `Memory` whose store is behind a server."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Generator, Iterator
from copy import copy
from pathlib import Path
from typing import Any

from mnemon import namespace as paths
from mnemon import portable
from mnemon.client.connection import Connection
from mnemon.client.reading import Reading
from mnemon.client.writing import Writing
from mnemon.errors import ImportFailed, InvalidInput
from mnemon.portable import ImportReport
from mnemon.store.rows import Problem

_PIECE = 1 << 18
_ACTOR = "user"


class RemoteMemory(Reading, Writing):
    """What `Memory(url)` is. Embedder, program and the like are the server's to choose.

    Args:
        path: the server's http(s) address.
        namespace: where calls that name none work.
        actor: who acts, where the server uses no keys; a key acts under its own name.
        timeout: seconds to wait for an answer.
        api_key: what `mnemon key add` printed.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        namespace: str = paths.DEFAULT,
        actor: str = _ACTOR,
        timeout: float = 30.0,
        api_key: str | None = None,
        **servers: Any,
    ) -> None:
        if servers:
            raise InvalidInput(
                f"{', '.join(servers)}= belongs to whoever opens the store: give it to the server, "
                "not to its client"
            )
        self.namespace = paths.check(namespace)
        self.actor = actor
        told = None if actor == _ACTOR else actor
        self._connection = Connection(str(path), api_key, told, timeout)

    def __repr__(self) -> str:
        return f"Memory({self._connection.url!r}, namespace={self.namespace!r})"

    def __getattr__(self, name: str) -> Any:
        if name == "artifacts":
            raise InvalidInput("artifacts are made and opened beside the store, not over HTTP yet")
        raise AttributeError(f"a memory has no attribute {name!r}")

    @property
    def path(self) -> str:
        """The server's address."""
        return self._connection.url

    def close(self) -> None:
        """Let go of the server; its memory stays open."""
        self._connection.close()

    def acting(self, actor: str) -> RemoteMemory:
        """The same memory for another actor, where the server uses no keys."""
        other = copy(self)
        other.actor = actor
        other._connection = self._connection.acting(actor)
        return other

    def reflect(self, *, namespace: str | None = None, progress: Any = None) -> int:
        """See `Memory.reflect`; `progress` is never called."""
        return self._count("reflect", {"namespace": self._scope(namespace)})

    def reindex(self, embedder: Any = None, *, keep: bool = False, progress: Any = None) -> int:
        """See `Memory.reindex`; the embedder is one that the server has, by its name, and
        `progress` is never called."""
        if embedder is not None and not isinstance(embedder, str):
            raise InvalidInput("name an embedder that the server has: an object cannot be sent")
        return self._count("reindex", {"embedder": embedder, "keep": keep})

    def _count(self, call: str, body: dict[str, Any]) -> int:
        told = self._connection.ask("POST", call, dict, body=body, patient=True)
        return int(told["count"])

    def fsck(self, *, repair: bool = False) -> builtins.list[Problem]:
        """See `Memory.fsck`."""
        found: list[Problem] = self._connection.ask(
            "POST", "fsck", list[Problem], body={"repair": repair}, patient=True
        )
        return found

    def namespaces(self) -> builtins.list[tuple[str, int]]:
        """See `Memory.namespaces`; those that the key reaches."""
        found = self._connection.ask("GET", "namespaces", list[dict[str, Any]], repeatable=True)
        return [(one["namespace"], one["cubes"]) for one in found]

    def size(self) -> dict[str, int]:
        """See `Memory.size`."""
        told: dict[str, int] = self._connection.ask("GET", "size", dict, repeatable=True)
        return told

    def dump(self, *, namespace: str | None = None) -> Generator[bytes]:
        """See `Memory.dump`."""
        scope = None if namespace is None else paths.check(namespace)
        return self._connection.lines("export", {"namespace": scope})

    def import_(
        self,
        path: str | Path,
        format: str | None = None,
        *,
        namespace: str | None = None,
        progress: Any = None,
        **options: Any,
    ) -> ImportReport:
        """See `Memory.import_`; `progress` tells how much was sent."""
        file = Path(path)
        if file.is_dir():
            raise InvalidInput(
                f"{file} is a folder, a server takes one file: send it as a zip file"
            )
        if not file.is_file():
            raise ImportFailed(f"cannot open {file}: there is no such file")
        query = {
            "namespace": self._scope(namespace), "format": format, "name": file.name,
            "options": json.dumps(options) if options else None,
        }  # fmt: skip
        report: ImportReport = self._connection.upload(
            "import", ImportReport, _pieces(file, progress), query
        )
        return report

    def export(self, path: str | Path, *, namespace: str | None = None) -> dict[str, int]:
        """See `Memory.export`; the file is written here."""
        return portable.write(Path(path), self.dump(namespace=namespace))


def _pieces(file: Path, progress: Callable[[int, int], None] | None) -> Iterator[bytes]:
    total = file.stat().st_size
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
            if progress is not None:
                progress(opened.tell(), total)
