"""What goes into and comes out of a store: plain values, times as integer microseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mnemon.cube import Link, Policy, Span

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class NewCube:
    """A cube ready to be written: checked, normal, analysed, its vector made."""

    id: str
    content: str
    kind: str
    valid_from: int
    terms: Sequence[str]
    speaker: str | None = None
    session: str | None = None
    valid_to: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    producer: str = "user"
    source: str | None = None
    spans: tuple[Span, ...] = ()
    confidence: float = 1.0
    policy: Policy = Policy()
    links: tuple[tuple[str, str], ...] = ()
    dated: bool = False
    """Whether `valid_from` was said; else it is when the cube was made ready."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors made for rows about to be written: which space, and one float32 row each."""

    space: str
    matrix: np.ndarray


@dataclass(frozen=True, slots=True)
class Space:
    """An embedding space: one model at one revision and dimension."""

    name: str
    model: str
    revision: str
    dimension: int
    embedder: str
    state: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cubes: a namespace (with everything below it), narrowed by what is given.

    `as_of`: the versions the store held at that moment (default: now's). `valid_at`: those true
    at that moment. Without it, those not yet ended (`valid_to`) are meant when `ended` is False.
    """

    namespace: str
    ids: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    speaker: str | None = None
    session: str | None = None
    since: int | None = None
    until: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    as_of: int | None = None
    valid_at: int | None = None
    ended: bool = True
    retain_before: int | None = None
    reader: str | None = None
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a namespace prefix may hold, and how often servers may be asked in it, such as 500/s
    (None is no limit); and what it holds: current cubes, and bytes of content and metadata of all
    versions, UTF-8."""

    namespace: str
    cubes: int | None
    bytes: int | None
    held_cubes: int = 0
    held_bytes: int = 0
    rate: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """For how many seconds a namespace prefix keeps cubes, counted from their newest version; then
    they are retired, or purged."""

    namespace: str
    seconds: int
    purge: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes that a namespace, with all below it, may hold in a compiled form."""

    namespace: str
    form: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A cube (by its id) or a namespace prefix that must not be forgotten."""

    what: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Withheld:
    """A namespace prefix whose cubes may not be compiled to weights."""

    namespace: str
    since: datetime


WEIGHTS = ("adapter", "latent", "bank")
"""Forms of artifacts that are weights, or states of a model that stand for them: nothing of what is
withheld may be in one."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """One line of an alias's past: what was done, and where it points from then on.

    Attributes:
        namespace, alias, model: which alias; the model is the digest of the base.
        action: `promote`, `rollback`, `canary` or `stop`; or `refuse`, which changes nothing.
        members: keys of the adapters that it points at from now on.
        candidate: keys of those that were judged, or are tried.
        figures: what was measured, as JSON data. why: as its actor said.
        num: grows with each line of a store; 0 of one that is not written yet.
    """

    namespace: str
    alias: str
    model: str
    action: str
    members: tuple[str, ...]
    candidate: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    actor: str = ""
    at: datetime | None = None
    num: int = 0


@dataclass(frozen=True, slots=True)
class Addition:
    """What one caller adds in one call: all of it or none."""

    namespace: str
    rows: Sequence[NewCube]
    vectors: Vectors | None
    actor: str


@dataclass(frozen=True, slots=True)
class Revision:
    """The next version of a cube, after the one that is expected to be its latest."""

    id: str
    expected: int
    row: NewCube
    vectors: Vectors | None


@dataclass(frozen=True, slots=True)
class Rewind:
    """Edits that are made together: cubes to retire, versions to write in this order, links to end
    and to make; and what the journal says of all of it."""

    ended: tuple[str, ...]
    revised: tuple[Revision, ...]
    unlinked: tuple[Link, ...]
    linked: tuple[Link, ...]
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one draft: its cube's id, whether it is new (or was there by its key), and
    when it was recorded if it is."""

    id: str
    new: bool
    recorded_at: int


@dataclass(frozen=True, slots=True)
class Headers:
    """Columns of versions for a scope, in row order; lists of equal length."""

    columns: Sequence[tuple[Any, ...]]

    NAMES = (
        "row", "cube", "namespace", "kind", "speaker", "session", "valid_from", "valid_to",
        "recorded_at", "retired_at", "length", "asks", "readers",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Changes:
    """What the journal says happened after a sequence number."""

    seq: int
    retired: tuple[tuple[int, int | None], ...]
    rebuild: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """Something fsck found: which rule is broken, and where."""

    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """One artifact as stored; `payload` is None when the bytes are in the file `blob`.

    Without either they lie in places, with a checksum of their own: here is none. `parent` is the
    key of the artifact that it continues. A listing may leave payloads out.
    """

    key: str
    form: str
    namespace: str
    method: str
    model: str | None
    header: str
    size: int
    checksum: bytes
    payload: bytes | None
    blob: str | None
    created_at: int
    sources: tuple[tuple[str, int], ...]
    fresh: bool = True
    parent: str | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether its bytes lie in places."""
        return not self.checksum


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of one host, or a URL (`host` is None), where the bytes of artifacts may lie. `mark`
    is what a file in the folder says: it is the same folder whatever the host is called today."""

    num: int
    address: str
    host: str | None
    mark: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Artifacts that one deletion took, whose bytes may still lie in a place, and when it was last
    tried to remove them, in microseconds since 1970 (0: not yet)."""

    place: Place
    deletion: str
    keys: tuple[str, ...]
    tried_at: int


@dataclass(frozen=True, slots=True)
class Purged:
    """Counts of what a purge deleted (or would), the blob files to unlink, the background jobs and
    keys of artifacts that went with it; `forms` counts vectors, and artifacts by their form."""

    ids: tuple[str, ...]
    versions: int
    links: int
    artifacts: int
    files: tuple[str, ...] = ()
    jobs: tuple[str, ...] = field(default=(), compare=False)
    keys: tuple[str, ...] = field(default=(), compare=False)
    forms: Mapping[str, int] = field(default_factory=dict, compare=False)
