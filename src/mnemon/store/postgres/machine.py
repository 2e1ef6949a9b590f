"""Which machine has the files that a job is to read: a name that lies with the uploads."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mnemon.identity import new_id

_NAME = "machine"


def known(folder: Path) -> str | None:
    """The name that a folder of uploads has; None before it took in a file."""
    with suppress(FileNotFoundError):
        return (folder / _NAME).read_text("ascii")
    return None


def made(folder: Path) -> str:
    """The same, given on first use; processes that begin at once agree on it."""
    name = known(folder)
    if name is None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{_NAME}-{new_id()}"
        draft.write_text(new_id(), "ascii")
        with suppress(FileExistsError):
            os.link(draft, folder / _NAME)
        draft.unlink()
        name = (folder / _NAME).read_text("ascii")
    return name
