"""What a store must do. One conformance suite (`tests/conformance/`) holds every store to it.

A store keeps and finds; it decides nothing. Times are integer microseconds, scopes are namespace
paths that mean the path and all below it, and a read never leaves its scope. Every write is atomic,
durable when it returns, and leaves a journal entry in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mnemon.cube import Event, Link, MemCube
from mnemon.store.compiled import Compiled
from mnemon.store.queue import Queue
from mnemon.store.rows import (
    Added,
    Addition,
    Changes,
    Filter,
    Headers,
    NewCube,
    Problem,
    Purged,
    Rewind,
    Space,
    Vectors,
)
from mnemon.store.tenancy import Tenancy

if TYPE_CHECKING:
    import numpy as np

    from mnemon.store.postgres.shared import Shared


class Store(Compiled, Tenancy, Protocol):
    """The store of truth."""

    address: str
    read_only: bool

    @property
    def blobs(self) -> Path | None:
        """The folder of large artifacts; None where they are in the store itself."""
        ...

    @property
    def index(self) -> Path | None:
        """The folder of index files, which may be deleted at any time; None for a volatile store,
        and for one that other machines use too.

        A purge deletes it with everything in it.
        """
        ...

    @property
    def shared(self) -> Shared | None:
        """Rows that servers on several machines share beside the memory; None for a store that one
        machine serves, with files for that."""
        ...

    @property
    def queue(self) -> Queue:
        """The background jobs."""
        ...

    @property
    def uploads(self) -> Path | None:
        """The folder of files that jobs are to read (see `store.uploads`); None for a volatile
        store. A purge deletes those of the jobs that it deletes."""
        ...

    def upload(self, job: str, name: str) -> Path:
        """Where the file of a job lies, which is brought there if another machine took it in."""
        ...

    # cubes
    def add(
        self, namespace: str, drafts: Sequence[NewCube], made: Vectors | None, actor: str
    ) -> list[Added]:
        """Write new cubes with words, vectors, links and journal, all or none.

        A key that is known gives the cube that is there, whatever it is by now; raises KeyReused
        where that was added with something else.
        """
        ...

    def add_each(self, additions: Sequence[Addition]) -> list[list[Added] | Exception]:
        """Several `add` in one durable write, each all or none by itself: its result or its error.

        A store for which one write costs no more than several may call `add` for each.
        """
        ...

    def known_keys(self, namespace: str, keys: Sequence[str]) -> dict[str, str]:
        """Which idempotency keys the namespace has, with their cubes' ids."""
        ...

    def update(
        self, id: str, expected: int, draft: NewCube, made: Vectors | None, actor: str, verb: str
    ) -> int:
        """Write the next version if the latest is still `expected`; raises VersionConflict."""
        ...

    def retire(
        self, ids: Iterable[str], actor: str, expected: int | None = None
    ) -> tuple[list[str], list[str]]:
        """End current versions, and those that methods derived from them; (ids that ended, keys of
        the artifacts that were deleted).

        Artifacts made from them are deleted, and all that continue one. Missing ids are no error.
        With `expected` nothing ends unless that is the current version of the one id that is given:
        VersionConflict, or NotFound when it has none.
        """
        ...

    def rewind(self, scope: str, edits: Rewind, actor: str) -> list[str]:
        """Carry out several edits in one transaction, with a journal entry `rollback` at its end;
        keys of the artifacts that were deleted.

        Raises VersionConflict and NotFound as `update` and `link` do, OnHold as `retire`; then
        nothing was done.
        """
        ...

    def purge(
        self, ids: Sequence[str], actor: str, expected: int | None = None
    ) -> tuple[Purged, bool]:
        """Delete cubes and all derived from them; (what went, whether no byte is left on disk).

        With `expected` nothing goes unless that is the latest version of the one id that is given:
        VersionConflict, or NotFound when it is gone.
        """
        ...

    def ending(self, ids: Sequence[str]) -> Purged:
        """What `retire` would end: the current ones of these and what methods derived from them."""
        ...

    def doomed(self, ids: Sequence[str]) -> Purged:
        """What `purge` would delete: these cubes and all cubes derived from them."""
        ...

    def select(
        self, chosen: Filter, *, after: int = 0, limit: int = -1
    ) -> list[tuple[int, MemCube]]:
        """(row, cube) in recording order, from after a row."""
        ...

    def by_rows(self, rows: Iterable[int]) -> dict[int, MemCube]:
        """Versions by row, for rows that a scope of this store gave."""
        ...

    def contents(self, rows: Sequence[int]) -> list[str]:
        """Contents of versions by row, in order; "" for one that is gone."""
        ...

    def count(self, chosen: Filter) -> int:
        """How many versions a filter chooses."""
        ...

    def history(self, scope: str, id: str) -> list[MemCube]:
        """All versions of a cube, oldest first."""
        ...

    def find(self, scope: str, ending: str) -> list[str]:
        """At most ten ids of a scope that end so."""
        ...

    def namespaces(self, scope: str | None) -> list[tuple[str, int]]:
        """(path, current cubes) of a scope, or of the whole store."""
        ...

    def speakers(self, scope: str) -> list[str]:
        """Everyone who has spoken in a scope."""
        ...

    # links, usage, journal
    def link(self, scope: str, link: Link, actor: str) -> None:
        """Write a link; raises NotFound when an end is not current in the scope."""
        ...

    def unlink(self, scope: str, link: Link, actor: str) -> bool:
        """End a link; whether there was one."""
        ...

    def links(self, scope: str, id: str, as_of: int | None = None) -> list[Link]:
        """Links from and to a cube."""
        ...

    def edges(
        self, rows: Sequence[int], as_of: int | None = None
    ) -> list[tuple[int, int, float, str]]:
        """(row, row, weight, type) of links from or to the cubes of versions by row, between
        current versions (or those of a moment); and from derived versions to their sources, with
        type "source" and weight 1."""
        ...

    def usage(self, rows: Sequence[int]) -> list[tuple[int, int, int, int]]:
        """(reads, microseconds of the last one or 0, helpful, unhelpful) of cubes by a row."""
        ...

    def count_reads(self, reads: Mapping[str, int]) -> None:
        """Add to the read counters."""
        ...

    def judge(self, scope: str, id: str, helpful: bool) -> None:
        """Add one judgement of a cube, or of an artifact by its key; raises NotFound."""
        ...

    def journal(
        self, scope: str, cube: str | None, after: int, limit: int, before: int | None = None
    ) -> list[Event]:
        """The newest events after a sequence number (and before another), in order."""
        ...

    # what ranking reads (see scope.py)
    def headers(self, scope: str, after: int) -> tuple[int, list[int], Headers]:
        """(journal sequence, namespace numbers, headers of rows after `after`) at one moment."""
        ...

    def scan_headers(self, scope: str, after: int) -> Iterator[tuple[int, list[int], Headers]]:
        """The same as `headers` in parts of one moment, the first one empty; only the rows of one
        namespace are in order."""
        ...

    def stamp(self, scope: str, seq: int) -> str | None:
        """What tells the store at a sequence number of a scope from any other; None if it never was
        there."""
        ...

    def sequence(self, scope: str) -> int:
        """The newest journal sequence number that a scope knows of, other processes' included.

        It grows with whatever happens in the scope, and may with what happens beside it. Nothing
        with this number or a lower one comes later.
        """
        ...

    def changes(self, scope: str, after: int) -> Changes:
        """What happened to existing rows of a scope after a sequence number."""
        ...

    def postings(self, nums: Sequence[int], terms: Sequence[str]) -> list[np.ndarray]:
        """For each term the rows int64 of these namespaces that hold it, one an occurrence."""
        ...

    def scan_postings(
        self, num: int, after: str, before: str | None, most: int
    ) -> list[tuple[str, np.ndarray]]:
        """(term, what `postings` gives) of the next terms of one namespace after a term and before
        another (None: to the last), ascending; no further than some `most` entries.

        At least one, unless there are none.
        """
        ...

    def vectors(self, nums: Sequence[int], space: str, after: int) -> list[tuple[int, bytes]]:
        """(row, packed vector) in row order; see `store.sqlite.vectors.unpack`."""
        ...

    def scan_vectors(
        self, nums: Sequence[int], space: str, after: int
    ) -> Iterator[tuple[list[int], bytes]]:
        """The same in parts, packed vectors joined; only the rows of one namespace are in order."""
        ...

    # embedding spaces
    def spaces(self) -> list[Space]:
        """All spaces, oldest first."""
        ...

    def active_space(self) -> Space | None:
        """The one that searches use."""
        ...

    def create_space(self, space: Space) -> None:
        """Record a space."""
        ...

    def activate_space(self, name: str, *, keep: bool) -> bool:
        """Switch searches to a space if every version has a vector in it; whether it did."""
        ...

    def missing_vectors(self, space: str, after: int, limit: int) -> list[tuple[int, str, str]]:
        """(row, namespace path, content) of versions without a vector in a space."""
        ...

    def write_vectors(self, rows: Sequence[int], made: Vectors) -> None:
        """Give existing versions vectors in a space."""
        ...

    # the whole
    def dump(self, scope: str | None) -> Iterator[dict[str, Any]]:
        """Portable records."""
        ...

    def unknown(self, ids: Sequence[str]) -> tuple[set[str], set[str]]:
        """Of some ids: (neither present nor purged, purged)."""
        ...

    def restore(self, records: Sequence[dict[str, Any]], made: Vectors | None, actor: str) -> int:
        """Write dumped cubes that are unknown here; how many."""
        ...

    def restore_rest(self, records: Sequence[dict[str, Any]]) -> int:
        """Write dumped links and tombstones; how many were new."""
        ...

    def fsck(self, repair: bool) -> list[Problem]:
        """What is wrong (after mending what can be mended, with `repair`)."""
        ...

    def size(self) -> dict[str, int]:
        """Bytes and counts: cubes, versions, links, artifacts, file, log, blobs, waiting removals;
        and the newest journal entry."""
        ...

    def close(self) -> None:
        """Give everything back; closing twice is no error."""
        ...
