"""What a body says to add or change → what `Memory` takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mnemon.cube import Document, Draft, Policy, Span
from mnemon.errors import InvalidInput
from mnemon.instant import parse
from mnemon.server.bodies import Add, DocumentIn, Item, PolicyIn, SpanIn

_DRAFT_ONLY = {"links", "spans", "confidence", "policy", "producer"}

Content = str | Mapping[str, Any] | Draft


def content(body: Add, key: str | None) -> Content | Document | list[Content]:
    """What a body wants added. The idempotency key of a batch gives each item its own: `key/0`,
    `key/1` …, so that the same batch sent again adds nothing.

    Raises:
        InvalidInput: neither content nor a document, or both; or keys that contradict each other.
    """
    if (body.content is None) == (body.document is None):
        raise InvalidInput("send either `content` or `document`")
    if body.document is not None:
        return _document(body.document)
    if not isinstance(body.content, list):
        return _one(body.content)
    if body.key is not None:
        raise InvalidInput("key names one item: put a key into each, or send Idempotency-Key")
    items = [_one(one) for one in body.content]
    return items if key is None else [_keyed(one, f"{key}/{i}") for i, one in enumerate(items)]


def single_key(body: Add, header: str | None) -> str | None:
    """The key of a single item, from the body or the header.

    Raises:
        InvalidInput: both are there and differ.
    """
    if isinstance(body.content, list):
        return None
    if header is not None and body.key not in (None, header):
        raise InvalidInput(f"Idempotency-Key is {header!r}, the body's key {body.key!r}: send one")
    return header or body.key


def spans(told: list[SpanIn] | None) -> tuple[Span, ...]:
    """Sources of a cube."""
    return tuple(Span(**one.model_dump()) for one in told or ())


def policy(told: PolicyIn) -> Policy:
    """A policy, its names in tuples and its time read."""
    until = None if told.retain_until is None else parse(told.retain_until)
    return Policy(tuple(told.readers), tuple(told.writers), until, told.compile)


def changes(told: Mapping[str, Any], policy_in: PolicyIn | None, spans_in: Any) -> dict[str, Any]:
    """Changes of a cube from the fields that a body has."""
    found = dict(told)
    if "policy" in found:
        found["policy"] = Policy() if policy_in is None else policy(policy_in)
    if "spans" in found:
        found["spans"] = spans(spans_in)
    return found


def _one(item: str | Item | None) -> Content:
    if not isinstance(item, Item):
        return item or ""
    given = item.model_dump(exclude_unset=True)
    told = {name: value for name, value in given.items() if value is not None}
    if not _DRAFT_ONLY & told.keys():
        return told
    if item.policy is not None:
        told["policy"] = policy(item.policy)
    told["spans"] = spans(item.spans)
    told["links"] = tuple(item.links or ())
    unknown = sorted(told.keys() - Draft.__dataclass_fields__.keys())
    if unknown:
        raise InvalidInput(f"a draft has no field {unknown[0]!r}: see the schema of Item")
    return Draft(**{"content": "", **told})


def _keyed(item: Content, key: str) -> Content:
    if isinstance(item, str):
        return {"content": item, "key": key}
    if isinstance(item, Mapping):
        return {"key": key, **item}
    return replace(item, key=item.key or key)


def _document(told: DocumentIn) -> Document:
    return Document(**told.model_dump())
