"""A blob on its way from a place into host memory: read and checked tensor by tensor.

The head is read first; then the tensors, in the order of layers, so that the first layers are there
before the last ones. Those of a large blob are several tasks: they are read and hashed side by side
(both let other threads run). A small blob is one task: there, several blobs are loaded at once.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeAlias

from mnemon.errors import DamagedBlob
from mnemon.kv.tiers.blob import Blob, Head, Piece, parse, whole
from mnemon.kv.tiers.cold import is_readable, restored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.tiers.cold import Cold
    from mnemon.kv.tiers.lane import Lane
    from mnemon.kv.tiers.placed import Placed
    from mnemon.kv.tiers.places import Reading

THREADS = 4
_GUESS = 1 << 15
_BATCH = 1 << 21


class OtherForm(Exception):
    """A blob is stored in a form that was not asked for."""


class Gone(Exception):
    """A blob is not there any more."""


class Loading:
    """One load.

    Attributes:
        head: what is read first. pieces: a future tensor each, once the head is there.
        done: the blob, or why there is none.
        seconds: that reading and checking took; what ran side by side is counted once.
    """

    def __init__(self, key: str, placed: Placed, lane: Lane, form: Cold | None) -> None:
        self.key, self.placed, self.form = key, placed, form
        self.head: Future[Head] = Future()
        self.pieces: dict[str, Future[Tensor]] = {}
        self.done: Future[Blob] = Future()
        self.seconds = 0.0
        self._lane = lane
        self._lock = threading.Lock()
        self._left = 0
        self._error: Exception | None = None

    def start(self, finish: Finish) -> None:
        """Begin. `finish` is called once, with the blob or the error, before `done` has it."""
        self._finish = finish
        self.placed.pool.submit(self._begin)

    def _begin(self) -> None:
        began = time.perf_counter()
        reading: Reading | None = None
        try:
            reading = self.placed.place.open(self.key)
            head = _head(reading, self.key, self.form)
            body = self._lane.room(head.nbytes)
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            self._error = error
            self.head.set_exception(error)
            self._end(reading, None)
            return
        assert reading is not None
        self.seconds = time.perf_counter() - began
        self._left = len(head.pieces)
        self.pieces = {piece.name: Future() for piece in head.pieces}
        self.head.set_result(head)
        first, *others = _batches(head.pieces)
        for batch in others:
            self.placed.pool.submit(self._read, reading, head, batch, body)
        self._read(reading, head, first, body)

    def _read(self, reading: Reading, head: Head, batch: list[Piece], body: Tensor) -> None:
        began = time.perf_counter()
        for piece in batch:
            try:
                self.pieces[piece.name].set_result(self._piece(reading, head, piece, body))
            except Exception as error:  # noqa: BLE001 - whoever waits for it is told
                self._error = error
                self.pieces[piece.name].set_exception(error)
        side = min(THREADS, os.cpu_count() or 1, -(-head.nbytes // _BATCH) or 1)
        with self._lock:
            self.seconds += (time.perf_counter() - began) / side
            self._left -= len(batch)
            last = self._left == 0
        if last:
            self._end(reading, head)

    def _piece(self, reading: Reading, head: Head, piece: Piece, body: Tensor) -> Tensor:
        if self._error is not None:
            raise self._error
        part = body.numpy().data[piece.begin : piece.end]
        if reading.into(head.start + piece.begin, part) < len(part):
            raise DamagedBlob(f"it ends within {piece.name}")
        return piece.tensor(body)

    def _end(self, reading: Reading | None, head: Head | None) -> None:
        blob: Blob | None = None
        try:
            if reading is not None:
                reading.__exit__(None, None, None)
            if head is not None and self._error is None:
                tensors = {name: one.result() for name, one in self.pieces.items()}
                blob = restored(Blob(self.key, head.header, tensors), self.form)
            self._finish(self, blob, self._error)
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            self._error = error
        if blob is None or self._error is not None:
            self.done.set_exception(self._error or Gone("it is not there any more"))
        else:
            self.done.set_result(blob)


Finish: TypeAlias = "Callable[[Loading, Blob | None, Exception | None], None]"


def _batches(pieces: tuple[Piece, ...]) -> list[list[Piece]]:
    """The pieces in order, cut where enough bytes for a task of their own are together."""
    batches: list[list[Piece]] = [[]]
    for piece in pieces:
        if sum(one.end - one.begin for one in batches[-1]) >= _BATCH:
            batches.append([])
        batches[-1].append(piece)
    return batches


def _head(reading: Reading | None, key: str, form: Cold | None) -> Head:
    if reading is None:
        raise Gone("it is not there any more")
    data = bytearray(min(_GUESS, reading.size))
    got = reading.into(0, memoryview(data))
    if got < 8 or whole(data) > reading.size:
        raise DamagedBlob("it has no head")
    if whole(data) > got:
        data = bytearray(whole(data))
        reading.into(0, memoryview(data))
    head = parse(bytes(data[: whole(data)]), key, reading.size)
    if not is_readable(head.header, form):
        raise OtherForm("it is stored in a form that was not asked for")
    return head
