"""The log in the database, for all machines that serve it: one chain; they append in turns.

Who appends locks the head until the commit. Mnemon's own role can neither change nor delete an
entry (row-level security lets it read and append); what a superuser does, the chain shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from mnemon.errors import InvalidInput, StoreError
from mnemon.server.audit.entry import GENESIS, Entry, drafted, read
from mnemon.server.audit.log import AuditLog, Head, Line

if TYPE_CHECKING:
    from psycopg import Connection

    from mnemon.store.postgres.shared import Shared

_PIECE = 1000


class AuditTable(AuditLog):
    """See `AuditLog` for what each method promises."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    @property
    def where(self) -> str:
        return self._shared.address

    def empty(self) -> bool:
        return not self._shared.ask("SELECT seq FROM audit WHERE tenant = 0 LIMIT 1")

    def append_each(self, drafts: Sequence[Entry]) -> list[Entry]:
        try:
            return self._shared.write(lambda connection: _append(connection, drafts))
        except StoreError as error:
            raise type(error)(
                f"the audit log cannot be written ({error}): what was asked may have been "
                "done, and is not in the log"
            ) from error

    def entries(self) -> Iterator[Line]:
        with self.moment() as (_, lines):
            yield from lines

    @contextmanager
    def moment(self) -> Iterator[tuple[Head | None, Iterator[Line]]]:
        with self._shared.reading() as connection:
            yield _head(connection), _lines(connection)

    def continue_from(self, other: AuditLog) -> None:
        def take_over(connection: Connection[Any]) -> None:
            if _locked(connection).seq:
                raise InvalidInput(f"the audit log in {self.where} has entries of its own")
            with other.moment() as (_, lines):
                while piece := [_entry(line) for line in islice(lines, _PIECE)]:
                    _insert(connection, piece)
                    _move(connection, Head(piece[-1].seq, piece[-1].hash))

        self._shared.write(take_over)


def _append(connection: Connection[Any], drafts: Sequence[Entry]) -> list[Entry]:
    last = _locked(connection)
    entries: list[Entry] = []
    for draft in drafts:
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        entry = draft.following(last.seq, last.hash, at)
        entries.append(entry)
        last = Head(entry.seq, entry.hash)
    # Not in a pipeline: after one, PostgreSQL does not see that a transaction stands still.
    _insert(connection, entries)
    _move(connection, last)
    return entries


def _locked(connection: Connection[Any]) -> Head:
    """The head, which is now this transaction's alone."""
    found = _head(connection, "FOR UPDATE")
    if found is None:
        connection.execute(
            "INSERT INTO audit_head (tenant, seq, hash) VALUES (0, 0, %s) "
            "ON CONFLICT (tenant) DO NOTHING",
            (GENESIS,),
        )
        found = _head(connection, "FOR UPDATE")
        assert found is not None
        return found if found.seq else _without_head(connection, found)
    return found


def _without_head(connection: Connection[Any], first: Head) -> Head:
    """Where to go on when there was no head: at the beginning, or after entries whose head somebody
    took away, which becomes an entry."""
    row = connection.execute(
        "SELECT entry FROM audit WHERE tenant = 0 ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    last = None if row is None else read(row[0].encode())
    if last is None:
        return first
    mend = drafted("audit", "mend", "done", detail={"head": "missing"})
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    entry = mend.following(last.seq, last.hash, at)
    _insert(connection, [entry])
    return Head(entry.seq, entry.hash)


def _head(connection: Connection[Any], lock: str = "") -> Head | None:
    row = connection.execute(f"SELECT seq, hash FROM audit_head WHERE tenant = 0 {lock}").fetchone()
    return None if row is None else Head(*row)


def _move(connection: Connection[Any], head: Head) -> None:
    connection.execute(
        "UPDATE audit_head SET seq = %s, hash = %s WHERE tenant = 0", (head.seq, head.hash)
    )


def _insert(connection: Connection[Any], entries: Sequence[Entry]) -> None:
    connection.execute(
        "INSERT INTO audit (tenant, seq, entry) SELECT 0, * FROM unnest(%s::bigint[], %s::text[])",
        (
            [entry.seq for entry in entries],
            [entry.line().decode().rstrip("\n") for entry in entries],
        ),
    )


def _lines(connection: Connection[Any]) -> Iterator[Line]:
    with connection.cursor(name="audit") as cursor:
        cursor.itersize = _PIECE
        cursor.execute("SELECT entry FROM audit WHERE tenant = 0 ORDER BY seq")
        for (entry,) in cursor:
            line = entry.encode() + b"\n"
            yield line, read(line)


def _entry(line: Line) -> Entry:
    told, entry = line
    if entry is None or entry.line() != told:
        raise InvalidInput("a line of the other audit log is no entry: verify it first")
    return entry
