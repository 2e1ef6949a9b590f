"""Between cubes and the columns that every SQL store keeps of a version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mnemon import analysis
from mnemon.cube import MemCube, Policy, Provenance, Span, Usage
from mnemon.errors import KeyReused
from mnemon.instant import from_micros, to_micros
from mnemon.store.rows import NewCube

_ANYONE, _UNUSED = Policy(), Usage()  # of most cubes


def cube_of(row: tuple[Any, ...], spans: tuple[Span, ...]) -> MemCube:
    """A cube of (row, id, version, path, kind, content, valid_from, recorded_at, speaker, session,
    metadata, valid_to, retired_at, key, producer, source, confidence, readers, writers,
    retain_until, compile, reads, last_read, helpful, unhelpful, strength)."""
    readers, writers, retain_until, may_compile = row[17:21]
    plain = readers is None and writers is None and retain_until is None and may_compile
    return MemCube(
        id=row[1],
        version=row[2],
        namespace=row[3],
        kind=row[4],
        content=row[5],
        valid_from=from_micros(row[6]),
        recorded_at=from_micros(row[7]),
        speaker=row[8],
        session=row[9],
        metadata=json.loads(row[10]) if row[10] else {},
        valid_to=_time(row[11]),
        retired_at=_time(row[12]),
        key=row[13],
        provenance=Provenance(row[14], row[15], spans, row[16]),
        policy=_ANYONE
        if plain
        else Policy(_actors(readers), _actors(writers), _time(retain_until), bool(may_compile)),
        usage=_UNUSED
        if row[21] is None
        else Usage(row[21], _time(row[22]), row[23], row[24], row[25]),
    )


def values_of(draft: NewCube, now: int) -> tuple[Any, ...]:
    """(kind, speaker, session, valid_from, valid_to, recorded_at, length, asks, readers, writers,
    retain_until, compile, producer, source, confidence, digest, metadata, content)."""
    policy = draft.policy
    return (
        draft.kind, draft.speaker, draft.session, draft.valid_from, draft.valid_to, now,
        len(draft.terms), analysis.asks(draft.content),
        json.dumps(policy.readers) if policy.readers else None,
        json.dumps(policy.writers) if policy.writers else None,
        _micros(policy.retain_until), policy.compile,
        draft.producer, draft.source, draft.confidence,
        digest(draft.content),
        json.dumps(dict(draft.metadata)) if draft.metadata else None,
        draft.content,
    )  # fmt: skip


VALUES = (
    "kind", "speaker", "session", "valid_from", "valid_to", "recorded_at", "length", "asks",
    "readers", "writers", "retain_until", "compile", "producer", "source", "confidence", "digest",
    "metadata", "content",
)  # fmt: skip
"""What `values_of` gives."""

SAID = {
    "digest": "content", "kind": "kind", "speaker": "speaker", "session": "session",
    "valid_from": "at", "valid_to": "valid_to", "metadata": "metadata", "source": "source",
    "confidence": "confidence", "readers": "policy", "writers": "policy", "retain_until": "policy",
    "compile": "policy",
}  # fmt: skip
"""Columns of what a caller says of a cube → his words for them. Not who says it."""


def said(draft: NewCube) -> tuple[Any, ...]:
    """The columns of `SAID` that a draft would have."""
    told = dict(zip(VALUES, values_of(draft, 0), strict=True))
    return tuple(told[name] for name in SAID)


def check_same(draft: NewCube, id: str, first: Sequence[Any]) -> None:
    """Raise KeyReused unless a draft says what was said (the columns of `SAID`) when the cube that
    has its key was added. A time that nobody said is no difference."""
    for (name, word), one, other in zip(SAID.items(), said(draft), first, strict=True):
        if name == "metadata":
            one, other = json.loads(one or "{}"), json.loads(other or "{}")
        if one != other and (name != "valid_from" or draft.dated):
            raise KeyReused(draft.key or "", id, f"a cube that was added with another {word}")


def digest(content: str) -> bytes:
    """What fsck compares a version's content with: SHA-256 of its UTF-8."""
    return hashlib.sha256(content.encode()).digest()


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _time(micros: int | None) -> Any:
    return None if micros is None else from_micros(micros)


def _actors(listed: str | None) -> tuple[str, ...]:
    return tuple(json.loads(listed)) if listed else ()
