"""Sending in an event loop: every call is awaited, and many are under way at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from mnemon import portable
from mnemon.awaiting import to_its_end
from mnemon.client.connection import PIECE, Connection, Lines, Request, Steps


class Concurrent(Connection):
    """One server, used by any number of tasks of one event loop.

    A task that is cancelled ends its request, and nothing else. Files are read and written on
    threads, so that the loop goes on.
    """

    def _opened(self, **options: Any) -> Any:
        return self._http.AsyncClient(**options)

    async def close(self) -> None:
        await self._client.aclose()

    async def carry(self, steps: Steps[Any]) -> Any:
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as ended:
                return ended.value
            answer = await self._ask(request)

    async def _ask(self, request: Request) -> Any:
        self._check_open()
        options = self._options(request)

        async def send() -> Any:
            if request.file is not None:
                options["content"] = _pieces(request, request.file)
            return self._checked(await self._client.request(**options))

        try:
            answer = await self._tenacity.AsyncRetrying(**self._policy(request.repeatable))(send)
        except self._http.TransportError as error:
            self._unreachable(error, request.repeatable)
        return self._value(request.kind, answer)

    async def lines(self, call: str, query: Mapping[str, Any]) -> AsyncGenerator[bytes]:
        self._check_open()
        options = self._options(Request("GET", call, None, query=query))
        lines = Lines()
        try:
            async with self._client.stream(**options) as answer:
                if not answer.is_success:
                    await answer.aread()
                self._checked(answer)
                async for piece in answer.aiter_bytes():
                    for line in lines.feed(piece):
                        yield line
                for line in lines.end():
                    yield line
        except self._http.TransportError as error:
            self._unreachable(error, repeatable=True)

    async def save(self, path: Path, call: str, query: Mapping[str, Any]) -> dict[str, int]:
        with portable.Writing(path) as writing:
            async with aclosing(self.lines(call, query)) as lines:
                async for some in _parts(lines):
                    await to_its_end(asyncio.to_thread(writing.add, some))
            return await to_its_end(asyncio.to_thread(writing.finish))


async def _parts(lines: AsyncGenerator[bytes]) -> AsyncIterator[list[bytes]]:
    """Lines, many at a time, for a thread to write."""
    held, size = [], 0
    async for line in lines:
        held.append(line)
        size += len(line)
        if size >= PIECE:
            yield held
            held, size = [], 0
    yield held


async def _pieces(request: Request, file: Path) -> AsyncIterator[bytes]:
    total = file.stat().st_size
    with file.open("rb") as opened:
        while piece := await to_its_end(asyncio.to_thread(opened.read, PIECE)):
            yield piece
            if request.progress is not None:
                request.progress(opened.tell(), total)
