"""Connections that do not wait for ever: for a head that does not come, or for a lost reader.

uvicorn bounds neither. A connection that is idle between requests it closes itself.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mnemon.server.deadline import PASSED_ON

HEAD_SECONDS = 20.0
HEAD_BYTES = 64 * 2**10
READER_SECONDS = 60.0


class Connection(HttpToolsProtocol):
    """A connection that ends when its client lets it hang."""

    _in_head = False
    _taken = 0
    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head, self._reader):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether to stay: who has said everything may still wait for the answer."""
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return False
        if self.cycle.scope["path"].startswith(PASSED_ON):  # for whom would another server work?
            return False
        self.cycle.keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._taken += len(data)
            if self._taken > HEAD_BYTES:
                self.send_400_response(f"The headers are over {HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        self._in_head, self._taken = True, 0
        if self._head is None:
            self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._head is not None:
            self._head.cancel()
            self._head = None
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._await_reader()  # closing waits until all that was written has been read

    def _await_head(self) -> None:
        self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _await_reader(self) -> None:
        if self._reader is None:
            self._reader = self.loop.call_later(READER_SECONDS, self.transport.abort)
