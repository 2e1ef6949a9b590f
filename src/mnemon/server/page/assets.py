"""The page's own style and scripts, under addresses that change with what is in them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from mnemon.errors import NotFound

_FOLDER = Path(__file__).with_name("static")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def address(name: str) -> str:
    """Where a browser gets a file."""
    return f"/static/{name}?v={hashlib.sha256(read(name)[0]).hexdigest()[:12]}"


@cache
def read(name: str) -> tuple[bytes, str]:
    """A file and its media type.

    Raises:
        NotFound: the page has no such file.
    """
    if name not in {file.name for file in _FOLDER.iterdir()}:
        raise NotFound("the page has no such file")
    path = _FOLDER / name
    return path.read_bytes(), _TYPES[path.suffix]
