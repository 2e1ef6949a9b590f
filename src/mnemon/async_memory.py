"""AsyncMemory: the calls of `Memory`, awaited. What each means, and takes, is said there.

Over HTTP many calls are under way at once, in the event loop; a store of one's own is asked on
threads.
"""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from mnemon.artifacts import Artifacts
from mnemon.awaiting import Face, Threads, awaited
from mnemon.cube import Document, Draft, MemCube
from mnemon.cubes.chosen import Cubes
from mnemon.instant import Instant
from mnemon.jobs import Jobs
from mnemon.memory import Memory

if TYPE_CHECKING:
    from mnemon.assembly import Counter
    from mnemon.models.embed import Embedder


class Options(TypedDict, total=False):
    """What `Memory` takes beside the path."""

    namespace: str
    embedder: Embedder | str | None
    program: Any
    actor: str
    read_only: bool
    timeout: float
    max_bytes: int | None
    count_tokens: Counter | None
    api_key: str | None


class AsyncArtifacts(Face):
    """`memory.artifacts`, awaited; of a store of one's own."""

    derive = awaited(Artifacts.derive)
    open = awaited(Artifacts.open)
    list = awaited(Artifacts.list)
    drop = awaited(Artifacts.drop)
    sweep = awaited(Artifacts.sweep)
    watch = awaited(Artifacts.watch)
    places = awaited(Artifacts.places)
    leave = awaited(Artifacts.leave)


class AsyncCubes(Face):
    """`memory.cube(…)`, awaited. `migrate` takes a `Memory`."""

    compose = awaited(Cubes.compose)
    fuse = awaited(Cubes.fuse)
    migrate = awaited(Cubes.migrate)
    export = awaited(Cubes.export)


class AsyncJobs(Face):
    """`memory.jobs`, awaited."""

    reflect = awaited(Jobs.reflect)
    reindex = awaited(Jobs.reindex)
    fsck = awaited(Jobs.fsck)
    compile = awaited(Jobs.compile)
    schedule = awaited(Jobs.schedule)
    import_ = awaited(Jobs.import_)
    get = awaited(Jobs.get)
    list = awaited(Jobs.list)
    cancel = awaited(Jobs.cancel)
    retry = awaited(Jobs.retry)
    run = awaited(Jobs.run)
    start = awaited(Jobs.start)


class AsyncMemory(Face):
    """A `Memory` whose calls are awaited, for one event loop.

    Takes what `Memory` takes. A file is opened here and now, which is work for the disk. A task
    that is cancelled stops waiting at once: over HTTP its request ends (the server may have made
    the write), a call on a thread is carried out to its end, which `close` waits for.

    Raises:
        StoreCorrupt, StoreTooNew, StoreReadOnly, StoreError: the store cannot be opened.
    """

    def __init__(self, path: str | Path | None = None, **options: Unpack[Options]) -> None:
        if isinstance(path, str) and path.startswith(("http://", "https://")):
            from mnemon.client.remote import AwaitableMemory

            super().__init__(AwaitableMemory(path, **options), None)
        else:
            super().__init__(Memory(path, **options), Threads())

    async def __aenter__(self) -> AsyncMemory:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Async{self._subject!r}"

    @property
    def path(self) -> str:
        """See `Memory.path`."""
        return str(self._subject.path)

    @property
    def namespace(self) -> str:
        """Where calls that name none work."""
        return str(self._subject.namespace)

    @property
    def actor(self) -> str:
        """Who acts."""
        return str(self._subject.actor)

    @property
    def artifacts(self) -> AsyncArtifacts:
        """See `Memory.artifacts`."""
        return AsyncArtifacts(self._subject.artifacts, self._threads)

    @property
    def jobs(self) -> AsyncJobs:
        """See `Memory.jobs`."""
        return AsyncJobs(self._subject.jobs, self._threads)

    def acting(self, actor: str) -> AsyncMemory:
        """See `Memory.acting`."""
        other = object.__new__(AsyncMemory)
        Face.__init__(other, self._subject.acting(actor), self._threads)
        return other

    def cube(self, *ids: str, namespace: str | None = None) -> AsyncCubes:
        """See `Memory.cube`."""
        return AsyncCubes(self._subject.cube(*ids, namespace=namespace), self._threads)

    async def close(self) -> None:
        """Finish what is under way and give everything back. Closing twice is no error."""
        if self._threads is None:
            await self._subject.close()
        else:
            await self._threads.close(self._subject.close)

    @overload
    async def add(  # type: ignore[overload-overlap]  # text is also an iterable of text
        self,
        content: str | Mapping[str, Any] | Draft | Document,
        *,
        namespace: str | None = None,
        speaker: str | None = None,
        session: str | None = None,
        at: Instant | None = None,
        kind: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
        key: str | None = None,
    ) -> MemCube: ...
    @overload
    async def add(
        self,
        content: Iterable[str | Mapping[str, Any] | Draft],
        *,
        namespace: str | None = None,
        speaker: str | None = None,
        session: str | None = None,
        at: Instant | None = None,
        kind: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
        key: None = None,
    ) -> builtins.list[MemCube]: ...
    async def add(self, content: Any, **given: Any) -> MemCube | builtins.list[MemCube]:
        """See `Memory.add`."""
        made: MemCube | builtins.list[MemCube] = await self._run("add", content, **given)
        return made

    def dump(
        self, *, namespace: str | None = None, artifacts: bool = False
    ) -> AsyncGenerator[bytes]:  # fmt: skip
        """See `Memory.dump`: `async for line in memory.dump()`."""
        lines = self._subject.dump(namespace=namespace, artifacts=artifacts)
        return lines if self._threads is None else self._threads.each(lines)

    search = awaited(Memory.search)
    recall = awaited(Memory.recall)
    get = awaited(Memory.get)
    list = awaited(Memory.list)
    find = awaited(Memory.find)
    count = awaited(Memory.count)
    history = awaited(Memory.history)
    update = awaited(Memory.update)
    restore = awaited(Memory.restore)
    rollback = awaited(Memory.rollback)
    link = awaited(Memory.link)
    unlink = awaited(Memory.unlink)
    links = awaited(Memory.links)
    forget = awaited(Memory.forget)
    forget_person = awaited(Memory.forget_person)
    feedback = awaited(Memory.feedback)
    reflect = awaited(Memory.reflect)
    compile = awaited(Memory.compile)
    expired = awaited(Memory.expired)
    log = awaited(Memory.log)
    namespaces = awaited(Memory.namespaces)
    size = awaited(Memory.size)
    export = awaited(Memory.export)
    import_ = awaited(Memory.import_)
    reindex = awaited(Memory.reindex)
    fsck = awaited(Memory.fsck)
