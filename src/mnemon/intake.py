"""Taking in: whatever a caller passes to `add` → checked drafts → rows ready for a store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mnemon import analysis
from mnemon.cube import Draft, MemCube, Policy, Provenance
from mnemon.errors import (
    ContentTooLarge,
    EmptyContent,
    InvalidInput,
    InvalidMetadata,
    InvalidText,
    UnknownName,
)
from mnemon.identity import new_id
from mnemon.instant import from_micros, parse, to_micros
from mnemon.methods import nearest
from mnemon.store.rows import NewCube

MAX_CHARACTERS = 1_000_000
"""Of one cube's content. A longer text is a `Document`."""

MAX_DEPTH = 100
"""Of lists and mappings inside each other in metadata."""

_UNSET = Draft("")
_ANYONE = _UNSET.policy  # of what says nothing about it
_MESSAGE_FIELDS = {
    "content": "content", "text": "content", "message": "content",
    "speaker": "speaker", "role": "speaker", "name": "speaker", "author": "speaker",
    "at": "at", "timestamp": "at", "time": "at", "created_at": "at",
    "session": "session", "session_id": "session", "kind": "kind", "metadata": "metadata",
    "source": "source", "key": "key", "valid_to": "valid_to",
}  # fmt: skip


def drafts(item: object, defaults: Mapping[str, Any]) -> list[Draft]:
    """One item (text, chat message, Draft) or several, as drafts with defaults filled in.

    Raises:
        InvalidInput: an item is none of these.
    """
    if isinstance(item, str | Mapping | Draft):
        return [_draft(item, defaults)]
    if isinstance(item, Iterable) and not isinstance(item, bytes | bytearray):
        return [_draft(one, defaults) for one in item]
    raise InvalidInput(
        f"cannot add a {type(item).__name__}: pass text, a chat message such as "
        "{'role': 'user', 'content': '…'}, a Draft, a Document, or a list of the first three"
    )


def _draft(item: object, defaults: Mapping[str, Any]) -> Draft:
    if isinstance(item, str):
        return Draft(item, **{name: value for name, value in defaults.items() if value is not None})
    if isinstance(item, Mapping):
        item = Draft(**_message(item))
    elif not isinstance(item, Draft):
        raise InvalidInput(f"cannot add a {type(item).__name__} inside a list")
    missing = {
        name: value
        for name, value in defaults.items()
        if value is not None and getattr(item, name) == getattr(_UNSET, name)
    }
    return replace(item, **missing) if missing else item


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in message.items():
        field = _MESSAGE_FIELDS.get(name)
        if field is None:
            known = sorted(_MESSAGE_FIELDS)
            raise UnknownName(f"a message has no field {name!r}: {nearest(name, known)}")
        if value is not None and (field not in fields or name == "name"):
            fields[field] = value
    if isinstance(fields.get("content"), Sequence) and not isinstance(fields["content"], str):
        fields["content"] = _joined(fields["content"])
    fields.setdefault("content", "")
    return fields


def _joined(parts: Sequence[Any]) -> str:
    """The text of OpenAI- and Anthropic-style content parts; other parts are not memory."""
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def prepare(draft: Draft, now: int) -> NewCube:
    """A draft checked and analysed.

    Raises:
        EmptyContent, InvalidText, ContentTooLarge, InvalidTime, InvalidMetadata: what is wrong.
    """
    check_content(draft.content)
    for name in ("kind", "speaker", "session", "source", "key", "producer"):
        check_text(name, getattr(draft, name))
    if not draft.kind or not draft.kind.strip():
        raise EmptyContent("a cube needs a kind, such as 'episode' or 'fact'")
    if not isinstance(draft.confidence, int | float) or not 0.0 <= draft.confidence <= 1.0:
        raise InvalidInput(f"confidence is {draft.confidence}: it lies between 0 and 1")
    valid_from = now if draft.at is None else to_micros(parse(draft.at))
    valid_to = None if draft.valid_to is None else to_micros(parse(draft.valid_to))
    if valid_to is not None and valid_to <= valid_from:
        raise InvalidInput(f"valid_to {draft.valid_to} is not after the time it began")
    return NewCube(
        id=new_id(),
        content=draft.content,
        kind=draft.kind,
        valid_from=valid_from,
        valid_to=valid_to,
        terms=analysis.terms(draft.content),
        speaker=draft.speaker,
        session=draft.session,
        metadata=check_metadata(draft.metadata),
        key=draft.key,
        producer=draft.producer or "user",
        source=draft.source,
        spans=draft.spans,
        confidence=draft.confidence,
        policy=check_policy(draft.policy),
        links=draft.links,
        dated=draft.at is not None,
    )


def sourced(rows: Sequence[NewCube]) -> Sequence[NewCube]:
    """Rows of one batch; a span that names another row's key then names its cube."""
    if not any(row.spans for row in rows):
        return rows
    ids = {row.key: row.id for row in rows if row.key}
    return [
        replace(row, spans=tuple(replace(s, cube=ids.get(s.cube, s.cube)) for s in row.spans))
        for row in rows
    ]


def as_written(row: NewCube, namespace: str, recorded_at: int) -> MemCube:
    """The cube that a row became."""
    return MemCube(
        id=row.id,
        version=1,
        namespace=namespace,
        kind=row.kind,
        content=row.content,
        valid_from=from_micros(row.valid_from),
        recorded_at=from_micros(recorded_at),
        speaker=row.speaker,
        session=row.session,
        metadata=row.metadata,
        valid_to=None if row.valid_to is None else from_micros(row.valid_to),
        key=row.key,
        provenance=Provenance(row.producer, row.source, row.spans, row.confidence),
        policy=row.policy,
    )


def check_content(content: object) -> None:
    """Raise unless `content` is text that a cube can hold."""
    if not isinstance(content, str):
        raise InvalidInput(f"content is {type(content).__name__}, it must be text")
    if not content.strip():
        raise EmptyContent("the content is empty: a cube needs some text")
    if len(content) > MAX_CHARACTERS:
        raise ContentTooLarge(
            f"the content has {len(content):,} characters, a cube holds {MAX_CHARACTERS:,}: "
            "add it as Document(text), which is split into passages"
        )
    check_text("content", content)


def check_text(name: str, text: object) -> None:
    """Raise InvalidText for what no store can hold faithfully; None passes."""
    if text is None:
        return
    if not isinstance(text, str):
        raise InvalidInput(f"{name} is {type(text).__name__}, it must be text")
    if "\x00" in text:
        raise InvalidText(
            f"{name} has a NUL character at position {text.index(chr(0))}: "
            r"remove it, for instance with text.replace('\x00', '')"
        )
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidText(
            f"{name} has a lone surrogate at position {error.start}: mend it, for instance with "
            "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
        ) from error


def check_metadata(metadata: object) -> Mapping[str, Any]:
    """Metadata as it will be stored: a JSON object.

    Raises:
        InvalidMetadata: not a mapping, or a value JSON cannot hold.
    """
    if not isinstance(metadata, Mapping) or not all(isinstance(key, str) for key in metadata):
        raise InvalidMetadata("metadata must be a mapping with text keys")
    if not metadata:
        return {}
    try:
        told: dict[str, Any] = json.loads(json.dumps(dict(metadata), allow_nan=False))
        depth = _depth(told)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMetadata(f"metadata cannot be written as JSON: {error}") from error
    if depth > MAX_DEPTH:  # databases have such a limit too, and would fail when it is read
        raise InvalidMetadata(f"metadata is nested {depth} deep, {MAX_DEPTH} is the most")
    return told


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def check_policy(policy: Policy) -> Policy:
    """A policy as it will be stored: names in tuples, its time in UTC.

    Raises:
        InvalidInput: its readers or writers are no collection of names.
    """
    if policy is _ANYONE:
        return policy
    for name in ("readers", "writers"):
        actors = getattr(policy, name)
        if isinstance(actors, str):
            raise InvalidInput(f"the policy's {name} is the text {actors!r}: pass a tuple of names")
        for actor in actors:
            check_text(f"a name among the policy's {name}", actor)
    until = None if policy.retain_until is None else parse(policy.retain_until)
    return replace(
        policy, readers=tuple(policy.readers), writers=tuple(policy.writers), retain_until=until
    )


_REVISABLE = (
    "content", "kind", "speaker", "session", "at", "valid_to", "metadata", "source",
    "confidence", "policy", "spans", "producer",
)  # fmt: skip


def revised(cube: MemCube, changes: Mapping[str, Any]) -> Draft:
    """The draft of a cube's next version; who writes it is its producer, a person by default.

    Raises:
        UnknownName: a change that no cube has.
    """
    for name in changes:
        if name not in _REVISABLE:
            raise UnknownName(f"cannot change {name!r}: {nearest(name, list(_REVISABLE))}")
    origin = cube.provenance
    fields: dict[str, Any] = {
        "content": cube.content, "kind": cube.kind, "speaker": cube.speaker,
        "session": cube.session, "at": cube.valid_from, "valid_to": cube.valid_to,
        "metadata": cube.metadata, "source": origin.source, "confidence": origin.confidence,
        "policy": cube.policy, "spans": origin.spans, "producer": "user",
    }  # fmt: skip
    return Draft(**{**fields, **changes})
