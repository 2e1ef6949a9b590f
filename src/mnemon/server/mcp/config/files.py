"""Reading and replacing a configuration file whole, as its exact characters."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from mnemon.errors import InvalidInput


def backup_of(path: Path) -> Path:
    """Where the file as it was before is kept: beside the real file, if `path` is a link."""
    real = path.resolve()
    return real.with_name(f"{real.name}.mnemon-backup")


def read(path: Path) -> str | None:
    """The file's text with its own line ends, or None if there is no file.

    Raises:
        InvalidInput: a link to nothing, or no text.
        OSError: it is there and cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        if path.is_symlink():
            raise InvalidInput(
                f"{path} is a link to {path.resolve()}, which is not there: make that file, or "
                "remove the link"
            ) from None
        return None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is no UTF-8 text: save it as UTF-8 first") from error


def write(
    path: Path, text: str, *, expected: str | None = None, like: Path | None = None,
    secret: bool = False,
) -> None:  # fmt: skip
    """Replace the file in one step; through a link, the file that it leads to. One that was not
    there is its owner's alone if it is `secret`.

    Raises:
        InvalidInput: it no longer reads as `expected`: somebody else wrote it meanwhile.
    """
    real, model = path.resolve(), (like or path).resolve()
    real.parent.mkdir(parents=True, exist_ok=True)
    # Never more open than the file is: it may hold keys.
    new = 0o600 if secret else 0o666
    mode = stat.S_IMODE(model.stat().st_mode) if model.exists() else new
    name = real.with_name(f".{real.name}.{os.getpid()}")
    descriptor = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if model.exists():
            shutil.copymode(model, name)
        if like is None and read(path) != expected:
            raise InvalidInput(f"{path} was changed by another program just now: run this again")
        name.replace(real)
    except BaseException:
        name.unlink(missing_ok=True)
        raise


def remove(*paths: Path) -> None:
    """Delete files; one that is not there is no error."""
    for path in paths:
        path.unlink(missing_ok=True)
