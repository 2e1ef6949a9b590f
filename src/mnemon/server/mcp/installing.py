"""Putting the server into a client's configuration file, and taking it out again.

An edit is made on the text, then both texts are read as data and compared: unless they differ by
the entry and nothing else, the file is left alone and the user gets the lines to paste.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mnemon.errors import InvalidInput
from mnemon.server.mcp.config import json_form, toml_form
from mnemon.server.mcp.config.files import backup_of, read, remove, write
from mnemon.server.mcp.config.jsonc import Malformed

NAME = "mnemon"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done to a file: `done` is "installed", "unchanged", "removed", "restored",
    "deleted" or "absent"; `backup` holds what was there before, if it was kept."""

    path: Path
    done: str
    backup: Path | None = None


def snippet(path: Path, keys: Sequence[str], entry: Mapping[str, Any]) -> str:
    """The entry as it would stand in an empty file."""
    return str(_form(path).snippet(keys, NAME, entry))


def install(
    path: Path, keys: Sequence[str], entry: Mapping[str, Any], *, secret: bool = False
) -> Outcome:
    """Put the entry in. With `secret` a file that is made for it is nobody else's to read.

    Raises:
        InvalidInput: the file cannot be read or changed safely; it says what to paste.
        OSError: the file system forbids it.
    """
    before = read(path)
    text = before or ""
    try:
        old = _form(path).find(text, keys, NAME)
        if old == entry:
            return Outcome(path, "unchanged")
        after = _checked(path, text, keys, entry)
    except Malformed as error:
        raise InvalidInput(
            f"{path} is left as it is: {error}. Correct it, or put this in yourself:\n"
            f"{snippet(path, keys, entry)}"
        ) from error
    backup = None
    if before is not None:
        backup = backup_of(path)
        # With an entry of ours in it already, the first backup is the one worth keeping.
        if old is None or not backup.exists():
            write(backup, before, like=path)
    write(path, after, expected=before, secret=secret)
    return Outcome(path, "installed", backup)


def uninstall(path: Path, keys: Sequence[str]) -> Outcome:
    """Take the entry out: the very bytes from before, if nothing else has changed since.

    Raises:
        InvalidInput: the file cannot be read or changed safely.
        OSError: the file system forbids it.
    """
    text = read(path)
    try:
        entry = None if text is None else _form(path).find(text, keys, NAME)
        if text is None or entry is None:
            return Outcome(path, "absent")
        return _undone(path, text, keys, entry)
    except Malformed as error:
        raise InvalidInput(
            f"{path} is left as it is: {error}. Take {NAME!r} out of {'.'.join(keys)} yourself"
        ) from error


def _undone(path: Path, text: str, keys: Sequence[str], entry: Mapping[str, Any]) -> Outcome:
    form, backup = _form(path), backup_of(path)
    old = read(backup)
    clean = old is not None and form.find(old, keys, NAME) is None
    if old is not None and clean and form.put(old, keys, NAME, entry) == text:
        write(path, old, expected=text)
        remove(backup)
        return Outcome(path, "restored")
    if text == form.snippet(keys, NAME, entry):
        remove(path.resolve(), backup)
        return Outcome(path, "deleted")
    write(path, _checked(path, text, keys, None), expected=text)
    return Outcome(path, "removed", backup if old is not None else None)


def _checked(path: Path, text: str, keys: Sequence[str], entry: Mapping[str, Any] | None) -> str:
    form = _form(path)
    after = form.drop(text, keys, NAME) if entry is None else form.put(text, keys, NAME, entry)
    wanted = copy.deepcopy(form.load(text))
    node = wanted
    for key in keys:
        node = node.setdefault(key, {})
    if entry is None:
        del node[NAME]
    else:
        node[NAME] = dict(entry)
    if _filled(form.load(after)) != _filled(wanted):
        raise Malformed("an edit would change more than its own entry")
    return str(after)


def _filled(data: Any) -> Any:
    """Without empty tables: in TOML one is there or not as its last entry comes and goes."""
    if not isinstance(data, dict):
        return data
    inner = {key: _filled(one) for key, one in data.items()}
    return {key: one for key, one in inner.items() if one != {}}


def _form(path: Path) -> ModuleType:
    return toml_form if path.suffix == ".toml" else json_form
