"""Uploads: files that jobs are to read, each in a folder of its job's own, gone with the job.

They lie beside the store, not in the system's temporary folder: what the disk of the store is good
for (room, encryption) is good for them too.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mnemon.errors import ImportFailed

_PREFIX = "job-"


def place(folder: Path, job: str, name: str) -> Path:
    """Where the file of a job belongs, in a folder that is made if it is not there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = folder / f"{_PREFIX}{job}"
    own.mkdir(mode=0o700, exist_ok=True)
    return own / name


@contextmanager
def named(path: Path) -> Iterator[None]:
    """What cannot be imported is told of by its name: whoever sent it knows no place on a server's
    disk, and need not."""
    try:
        yield
    except ImportFailed as error:
        raise ImportFailed(str(error).replace(str(path), path.name)) from error


def drop(folder: Path | None, jobs: Iterable[str]) -> None:
    """Delete what jobs were to read."""
    for job in jobs:
        if folder is not None:
            shutil.rmtree(folder / f"{_PREFIX}{job}", ignore_errors=True)


def owners(folder: Path | None) -> dict[str, float]:
    """The jobs that have files there, with when each file came (seconds since 1970)."""
    found = {}
    for own in folder.glob(f"{_PREFIX}*") if folder is not None else ():
        with suppress(FileNotFoundError):  # another process was faster
            found[own.name.removeprefix(_PREFIX)] = own.stat().st_mtime
    return found
