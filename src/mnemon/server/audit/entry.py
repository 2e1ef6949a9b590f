"""One entry: a line of canonical JSON whose hash covers everything else in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

GENESIS = "0" * 64
"""What the first entry has for the hash of the one before it."""

SHOWN = 100
"""So many ids are in an entry; `cubes` says how many there were."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what, when, with what outcome. Nothing that was remembered is in it.

    `who` is a key's id, `local` (no keys in use), `nobody` (no key, or a refused one), `cli` or
    `retention`. `verb` is the call. `outcome` is `done`, `denied` or `failed`. `receipt` is the
    SHA-256 of a forgetting's receipt (see `digest_of`).
    """

    seq: int
    at: str
    who: str
    verb: str
    outcome: str
    namespace: str | None = None
    ids: tuple[str, ...] = ()
    cubes: int = 0
    status: int | None = None
    request: str | None = None
    receipt: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    prev: str = GENESIS
    hash: str = ""

    def following(self, seq: int, hash: str, at: str) -> Entry:
        """The same as the next entry after one, with its hash."""
        told = {**self._told(), "seq": seq + 1, "at": at, "prev": hash}
        return Entry(**{**told, "hash": _hash(told)})

    def sealed(self) -> Entry:
        """The same with its hash."""
        return replace(self, hash=self.computed())

    def computed(self) -> str:
        """The hash that the entry should have."""
        return _hash(self._told())

    def line(self) -> bytes:
        """The entry as it stands in the file."""
        return canonical(self._told()) + b"\n"

    def _told(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Entry.__slots__}


def _hash(told: Mapping[str, Any]) -> str:
    covered = {name: value for name, value in told.items() if name != "hash"}
    return hashlib.sha256(canonical(covered)).hexdigest()


def drafted(
    who: str, verb: str, outcome: str, *, ids: tuple[str, ...] = (), cubes: int | None = None,
    **told: Any,
) -> Entry:  # fmt: skip
    """An entry that is in no log yet; its number, its time and its place in the chain are the
    log's to say."""
    count = len(ids) if cubes is None else cubes
    return Entry(0, "", who, verb, outcome, ids=ids[:SHOWN], cubes=count, **told)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(value: Any) -> bytes:
    """The one way to write a value: a changed byte is a changed entry."""
    return _encode(value).encode()


def read(line: bytes) -> Entry | None:
    """The entry of a line, whatever its hash; None if it is no entry at all."""
    try:
        told = json.loads(line)
        return Entry(**{**told, "ids": tuple(told["ids"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def digest_of(receipt: Mapping[str, Any]) -> str:
    """SHA-256 of a receipt's canonical JSON: the same however its file is laid out."""
    return hashlib.sha256(canonical(receipt)).hexdigest()
