"""The manifest: what a backup is of, and what must be in it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mnemon.errors import StoreCorrupt
from mnemon.wire.values import revive

FORMAT = 1
NAME = "manifest.json"
_MEMBER = re.compile(r"store\.db|keys\.json|audit/[\w-]+\.(?:jsonl|head)|blobs/[\w.-]+", re.ASCII)
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`store`, `sequence` and `stamp` tell the store and its moment; `at` is when it was made."""

    format: int
    at: str
    mnemon: str
    store: str
    sequence: int
    stamp: str | None
    cubes: int
    tombstones: int
    members: tuple[Member, ...]

    def written(self) -> bytes:
        """As it stands in the file."""
        return json.dumps(asdict(self), indent=1).encode() + b"\n"


def read(told: bytes, path: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        StoreCorrupt: it is none, one of a newer format, or one with members that no backup has.
    """
    try:
        found: Any = revive(Manifest, json.loads(told))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreCorrupt(f"{path} is no backup of Mnemon's ({error})") from error
    if found.format != FORMAT:
        raise StoreCorrupt(
            f"{path} has format {found.format}, this Mnemon knows {FORMAT}: use a newer one"
        )
    odd = [one.name for one in found.members if not _MEMBER.fullmatch(one.name)]
    if odd:
        raise StoreCorrupt(f"{path} has a member {odd[0]!r}, which no backup has: do not trust it")
    return found  # type: ignore[no-any-return]


def measured(name: str, path: Path) -> Member:
    """A file as a member."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return Member(name, size, digest.hexdigest())
