"""The vocabulary: MemCube and the values around it. Frozen dataclasses, no behaviour.

Times are `datetime` in UTC. Two axes: `valid_from`/`valid_to` say when the content was true,
`recorded_at`/`retired_at` when the store knew it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

KINDS = ("episode", "fact", "summary", "profile", "procedure", "insight", "task", "entity")
"""Kinds with a meaning of their own; any other word is the user's own kind."""

LINKS = ("next", "derived_from", "about", "similar", "supersedes", "contradicts", "part_of")
"""Link types with a meaning of their own; any other word is the user's own type."""


@dataclass(frozen=True, slots=True)
class Span:
    """A source of a cube: another cube's version, or characters `start:end` of it."""

    cube: str
    version: int
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a version came from.

    `producer` names who made it (`user`, `import:chatgpt`, `method:text.extract/lead@1`),
    `source` the place outside Mnemon (a URL, a file and line), `spans` the cubes inside it.
    """

    producer: str = "user"
    source: str | None = None
    spans: tuple[Span, ...] = ()
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may do what with a cube, and for how long.

    Empty `readers` or `writers` means everyone who reaches the namespace. After `retain_until`
    the maintenance method `expire` retires the cube. `compile` permits training it into weights.
    """

    readers: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    retain_until: datetime | None = None
    compile: bool = True


@dataclass(frozen=True, slots=True)
class Usage:
    """How a cube has been used: reads by search and recall, feedback, strength in [0, 1]."""

    reads: int = 0
    last_read: datetime | None = None
    helpful: int = 0
    unhelpful: int = 0
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class MemCube:
    """One version of one piece of memory: content and header."""

    id: str
    version: int
    namespace: str
    kind: str
    content: str
    valid_from: datetime
    recorded_at: datetime
    speaker: str | None = None
    session: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    valid_to: datetime | None = None
    retired_at: datetime | None = None
    key: str | None = None
    provenance: Provenance = Provenance()
    policy: Policy = Policy()
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Draft:
    """A cube not yet added: what `Memory.add` takes when plain text is not enough.

    `key` makes adding idempotent: a second draft with the same key in the same namespace adds
    nothing and returns the cube that is there. `session` groups turns of one conversation;
    neighbours in a session help each other to be found. `links` are pairs (type, key of another
    draft of this namespace), resolved when the batch is added. `spans` may name a draft of the same
    batch by its key as well: its cube is a source of this one.
    """

    content: str
    kind: str = "episode"
    speaker: str | None = None
    session: str | None = None
    at: datetime | str | None = None
    valid_to: datetime | str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    key: str | None = None
    links: tuple[tuple[str, str], ...] = ()
    spans: tuple[Span, ...] = ()
    confidence: float = 1.0
    policy: Policy = Policy()
    producer: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A long text: added as one cube for the whole and one `part_of` it for each passage."""

    text: str
    title: str | None = None
    at: datetime | str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A typed, directed link between two cubes."""

    src: str
    type: str
    dst: str
    weight: float = 1.0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """What a method proposes; the core decides and commits.

    `action` is `add` (with `draft`), `update` (with `cube` and `changes`), `retire` (with `cube`)
    or `link` (with `link`). `version` is the version the method had read.
    """

    action: str
    reason: str
    draft: Draft | None = None
    cube: str | None = None
    version: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a hit was found: a channel, the rank it gave (1 is best), its raw score, and detail
    (matched words, similarity) when `explain=True` asked for it."""

    channel: str
    rank: int
    score: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A cube that answers a query, with a score in [0, 1] (higher is better) and why."""

    cube: MemCube
    score: float
    why: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Recall:
    """Text for a prompt under a token budget.

    `text` is byte-stable: the same memory gives the same bytes. `hits` are the cubes in it, best
    first; `tokens` counts `text`; `trace` tells what was considered and how long it took.
    """

    text: str
    hits: tuple[Hit, ...]
    tokens: int
    trace: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `forget` did (or would do, when `dry_run`). Never holds content.

    `blobs` were removed from the places of artifacts (folders, remote stores). `pending` names the
    places that could not be reached: what was forgotten may still lie there, and is removed when
    they can be. `forms` counts what went by form: artifacts by their own (`kv`, `adapter`, …), and
    of a purge also `text` (versions, with their words in the full-text index) and `vectors`.
    """

    cubes: int
    versions: int
    links: int
    artifacts: int
    ids: tuple[str, ...]
    purged: bool
    dry_run: bool
    at: datetime
    blobs: int = 0
    pending: tuple[str, ...] = ()
    forms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rollback:
    """What `rollback` did (or would do, when `dry_run`), by ids. Never holds content.

    Attributes:
        to: the moment. restored: cubes that were forgotten since, and are back. revised: those that
            were changed since, or derived from such. retired: those that were added since.
        linked, unlinked: links that were made and ended.
        purged: cubes recorded by then and purged since: they cannot come back. lost: derived ones
            that cannot, since what they were derived from is not there.
        forms: artifacts that were fresh and no longer are, by form: they are to be made again.
    """

    to: datetime
    restored: tuple[str, ...]
    revised: tuple[str, ...]
    retired: tuple[str, ...]
    linked: int
    unlinked: int
    purged: tuple[str, ...]
    lost: tuple[str, ...]
    forms: Mapping[str, int]
    dry_run: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal: what happened, to which cube, never what it said."""

    seq: int
    at: datetime
    verb: str
    actor: str
    namespace: str | None
    cube: str | None
    version: int | None
    detail: Mapping[str, Any]
