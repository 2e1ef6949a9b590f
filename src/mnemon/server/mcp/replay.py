"""Streams that let the SDK hear the first message, and keep back an answer already given."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCResponse, jsonrpc_message_adapter

from mnemon.server.mcp.greeting import Greeting

if TYPE_CHECKING:
    from mcp.shared._stream_protocols import ReadStream, WriteStream

Incoming = SessionMessage | Exception


class Replay:
    """What comes in: the greeting's line first, if it is pending, then the stream."""

    def __init__(self, stream: ReadStream[Incoming], greeting: Greeting) -> None:
        self._stream = stream
        self._first = _message(greeting.line) if greeting.pending else None

    async def receive(self) -> Incoming:
        """The next message."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await self._stream.receive()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Incoming:
        if self._first is not None:
            return await self.receive()
        return await self._stream.__anext__()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, at)


class Unsaid:
    """What goes out: all but the one answer that the greeting has given already."""

    def __init__(self, stream: WriteStream[SessionMessage], greeting: Greeting) -> None:
        self._stream = stream
        self._said = greeting.said

    async def send(self, item: SessionMessage, /) -> None:
        """Send a message."""
        message = item.message
        if self._said is not None and isinstance(message, JSONRPCResponse | JSONRPCError):
            said, self._said = self._said, None
            if message.id == said:
                return
        await self._stream.send(item)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, at)


def _message(line: bytes) -> Incoming:
    try:
        # by_name=False as the SDK's own reader has it: only the wire's names count.
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error
