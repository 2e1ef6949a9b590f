"""Telling which format a history has, by asking every method of the slot."""

from __future__ import annotations

from pathlib import Path

from mnemon import methods
from mnemon.errors import ImportFailed
from mnemon.importers._history import HEAD

_SLOT = "importers"


def detect(path: str | Path) -> str:
    """The name of the format that `path` (a file, a folder or a zip) is written in.

    Raises:
        ImportFailed: nothing is there, no format fits, or several do.
    """
    path = Path(path)
    head = _head(path)
    fitting = {name: method for name in methods.names(_SLOT) if (method := _fits(name, path, head))}
    special = [name for name, method in fitting.items() if not getattr(method, "generic", False)]
    found = special or list(fitting)
    if len(found) == 1:
        return found[0]
    known = ", ".join(methods.names(_SLOT))
    if found:
        raise ImportFailed(f"{path} may be {' or '.join(found)}: name the format, one of {known}")
    raise ImportFailed(f"{path} is no history we know: name the format, one of {known}")


def _fits(name: str, path: Path, head: bytes) -> object:
    method = methods.load(_SLOT, name)
    readable = path.is_dir() or path.suffix.lower() in method.suffixes
    return method if readable and method.sniff(path, head) else None


def _head(path: Path) -> bytes:
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except (OSError, ValueError) as error:
        raise ImportFailed(f"cannot open {path}: {error}") from error
