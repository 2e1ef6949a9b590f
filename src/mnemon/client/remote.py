"""RemoteMemory: a `Memory` whose store is behind a server."""

from __future__ import annotations

import builtins
from collections.abc import Generator
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mnemon import namespace as paths
from mnemon.client.blocking import Blocking
from mnemon.client.calls import counted_of
from mnemon.client.concurrent import Concurrent
from mnemon.client.connection import Connection, Request
from mnemon.client.jobs import RemoteJobs, upload_query
from mnemon.client.reading import Reading
from mnemon.client.writing import Writing
from mnemon.errors import InvalidInput
from mnemon.portable import ImportReport
from mnemon.store.rows import Problem

if TYPE_CHECKING:
    from mnemon.client.cubes import AwaitableCubes
    from mnemon.compiling import CompileReport
    from mnemon.cubes import Cubes
    from mnemon.memory import Memory

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

    _transport: type[Connection] = Blocking

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
        if "embedder" in servers:
            raise InvalidInput(
                "embedder= is for a store that is opened here: a server's has its own, and "
                "reindex(embedder) moves it to another"
            )
        if servers:
            raise InvalidInput(
                f"{', '.join(servers)}= belongs to whoever opens the store: give it to the server "
                "(`mnemon serve --help`), not to its client"
            )
        self.namespace = paths.check(namespace)
        self.actor = actor
        told = None if actor == _ACTOR else actor
        self._connection = self._transport(str(path), api_key, told, timeout)

    def _prepared(self) -> RemoteMemory:
        """A server has prepared itself."""
        return self

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
        return self._connection.close()  # type: ignore[no-any-return]

    @property
    def jobs(self) -> RemoteJobs:
        """See `Memory.jobs`; the server carries them out."""
        return RemoteJobs(self, self._connection)

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
        counted: int = self._ask(Request("POST", call, dict, body, wait=None), counted_of)
        return counted

    def cube(self, *ids: str, namespace: str | None = None) -> Cubes:
        """See `Memory.cube`."""
        from mnemon.cubes import Cubes

        return Cubes(cast("Memory", self), ids, namespace)

    def compile(
        self, selection: Any, model: Any, form: str = "kv", *, tokenizer: Any = None,
        policy: Any = None, to: Any = None, namespace: str | None = None, head: Any = (),
        progress: Any = None, alias: str = "current", gate: Any = None, ask: Any = None,
    ) -> CompileReport:  # fmt: skip
        """Not over HTTP; `jobs.compile` asks the server to."""
        raise InvalidInput(
            "cubes are compiled beside the store, where the model is: memory.jobs.compile asks the "
            "server to, by a model of its own"
        )

    def fsck(self, *, repair: bool = False) -> builtins.list[Problem]:
        """See `Memory.fsck`."""
        found: list[Problem] = self._ask(
            Request("POST", "fsck", list[Problem], {"repair": repair}, wait=None)
        )
        return found

    def namespaces(self) -> builtins.list[tuple[str, int]]:
        """See `Memory.namespaces`; those that the key reaches."""
        found: list[tuple[str, int]] = self._ask(
            Request("GET", "namespaces", list[dict[str, Any]], repeatable=True),
            lambda told: [(one["namespace"], one["cubes"]) for one in told],
        )
        return found

    def size(self) -> dict[str, int]:
        """See `Memory.size`."""
        told: dict[str, int] = self._ask(Request("GET", "size", dict, repeatable=True))
        return told

    def dump(self, *, namespace: str | None = None, artifacts: bool = False) -> Generator[bytes]:
        """See `Memory.dump`."""
        scope = None if namespace is None else paths.check(namespace)
        lines: Generator[bytes] = self._connection.lines("export", _exported(scope, artifacts))
        return lines

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
        query = upload_query(path, format, self._scope(namespace), options)
        report: ImportReport = self._ask(
            Request(
                "POST", "import", ImportReport, query=query, wait=None, file=Path(path),
                progress=progress,
            )
        )  # fmt: skip
        return report

    def export(
        self, path: str | Path, *, namespace: str | None = None, artifacts: bool = False
    ) -> dict[str, int]:  # fmt: skip
        """See `Memory.export`; the file is written here."""
        scope = None if namespace is None else paths.check(namespace)
        query = _exported(scope, artifacts)
        counts: dict[str, int] = self._connection.save(Path(path), "export", query)
        return counts


def _exported(scope: str | None, artifacts: bool) -> dict[str, Any]:
    return {"namespace": scope, "artifacts": "true" if artifacts else None}


class AwaitableMemory(RemoteMemory):
    """A `RemoteMemory` whose every call gives an awaitable of what its signature says: the subject
    of `AsyncMemory`, which has the signatures that are true."""

    _transport = Concurrent

    def cube(self, *ids: str, namespace: str | None = None) -> AwaitableCubes:
        """See `Memory.cube`."""
        from mnemon.client.cubes import AwaitableCubes

        return AwaitableCubes(self._waiting, ids, namespace)

    def _waiting(self) -> RemoteMemory:
        """The same memory by calls that wait, over a connection of its own: close it."""
        other = object.__new__(RemoteMemory)
        other.namespace, other.actor = self.namespace, self.actor
        other._connection = self._connection.like(Blocking)
        return other
