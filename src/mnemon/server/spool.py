"""Uploads: written piece by piece to a file beside the store, gone when the request ends.

What a job is to read moves to the job's own folder and goes with that (see `store.uploads`). What a
killed server left is removed by the next one.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from mnemon.errors import ContentTooLarge, ServerError
from mnemon.server.access import Service
from mnemon.store import uploads

_UNSAFE = re.compile(r"[^\w .()-]")
_LONGEST = 120


@asynccontextmanager
async def received(
    pieces: AsyncIterator[bytes], service: Service, name: str
) -> AsyncIterator[Path]:
    """The file that a request's body became, under the name that it had: importers tell formats by
    it, and make keys and sources of it.

    Raises:
        ContentTooLarge: it is over the limit.
        ServerError: the next piece did not come in time, or the sender went away.
    """
    folder = Path(await run_in_threadpool(_folder, service.settings.place))
    path = folder / (_UNSAFE.sub("_", name)[-_LONGEST:].lstrip(".") or "upload")
    try:
        with path.open("xb") as file:
            await _write(pieces, file, service)
        with uploads.named(path):
            yield path
    finally:
        await run_in_threadpool(shutil.rmtree, folder)


async def _write(pieces: AsyncIterator[bytes], file: BinaryIO, service: Service) -> None:
    most, taken = service.settings.max_upload, 0
    try:
        while piece := await asyncio.wait_for(_next(pieces), service.settings.timeout):
            taken += len(piece)
            if taken > most:
                raise ContentTooLarge(
                    f"the upload is over {most:,} bytes: split it, or import it with "
                    "`mnemon import` beside the store"
                )
            await run_in_threadpool(file.write, piece)
    except TimeoutError as error:
        raise ServerError(
            f"the next piece of the upload did not come in {service.settings.timeout:g} s; "
            "nothing was imported: send it again"
        ) from error
    except ClientDisconnect as error:
        raise ServerError("the sender went away; nothing was imported") from error


async def _next(pieces: AsyncIterator[bytes]) -> bytes:
    """The next piece that is not empty; b"" at the end."""
    async for piece in pieces:
        if piece:
            return piece
    return b""


def _root(store: Path) -> Path:
    return store.with_name(f"{store.name}-uploads")


def _folder(store: Path) -> str:
    root = _root(store)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root)


def clear(store: Path) -> None:
    """Remove what servers that are no longer alive left behind."""
    for folder in _root(store).glob("*-*"):
        pid = folder.name.partition("-")[0]
        if pid.isdecimal() and not _alive(int(pid)):  # the others belong to jobs
            shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # not there, or another server's upload is in it
        _root(store).rmdir()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != os.getpid()  # a number that is used again: nothing of this process is old
