"""The calls of a class as coroutines, a line each, with the signatures that they have there."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

from mnemon.errors import StoreClosed

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_THREADS = 8
_AT_ONCE = 500


class Awaited(Protocol[P, R_co]):
    """A call as a coroutine function: bound to its face, or not."""

    @overload
    def __get__(
        self, face: None, owner: type[Any]
    ) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, R_co]]: ...
    @overload
    def __get__(self, face: object, owner: type[Any]) -> Callable[P, Coroutine[Any, Any, R_co]]: ...
    def __get__(self, face: Any, owner: type[Any]) -> Any:
        """As functions do."""
        ...


def awaited(call: Callable[Concatenate[Any, P], R]) -> Awaited[P, R]:
    """The same call of a `Face`, to be awaited: same name, parameters and documentation."""

    @functools.wraps(call)
    async def later(face: Face, /, *args: Any, **given: Any) -> Any:
        return await face._run(call.__name__, *args, **given)

    return cast("Awaited[P, R]", later)


async def to_its_end(work: Coroutine[Any, Any, R]) -> R:
    """What some work gives; who is cancelled meanwhile waits for its end first, since what it uses
    is about to be closed."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # whoever was to hear of it has gone
        raise


class Threads:
    """Threads that carry out the calls of one memory."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="mnemon-async")
        self._open = True

    async def run(self, call: Callable[..., R], /, *args: Any, **given: Any) -> R:
        """What a call gives, made on a thread. Who stops waiting does not stop it: a transaction
        is made whole or not at all."""
        if not self._open:
            raise StoreClosed("this memory was closed: open it again with AsyncMemory(path)")
        within = functools.partial(contextvars.copy_context().run, call, *args, **given)
        return await asyncio.get_running_loop().run_in_executor(self._pool, within)

    async def each(self, items: Generator[R]) -> AsyncGenerator[R]:
        """The items of a generator, which runs on threads and is closed at the end."""
        try:
            while some := await to_its_end(self.run(lambda: list(islice(items, _AT_ONCE)))):
                for item in some:
                    yield item
        finally:
            await to_its_end(self.run(items.close))

    async def close(self, last: Callable[[], None]) -> None:
        """Wait for what is under way, then carry out the last call. Twice is no error."""
        self._open = False
        await asyncio.to_thread(self._pool.shutdown)
        await asyncio.to_thread(last)


class Face:
    """The calls of a subject, awaited: made on threads, or by the subject itself if it has none
    (then it gives awaitables: see `mnemon.client.calls`)."""

    def __init__(self, subject: Any, threads: Threads | None) -> None:
        self._subject = subject
        self._threads = threads

    async def _run(self, name: str, /, *args: Any, **given: Any) -> Any:
        """What the subject's call of that name gives."""
        call = getattr(self._subject, name)
        if self._threads is None:
            return await call(*args, **given)
        return await self._threads.run(call, *args, **given)
