"""Real forgetting: rows, words, vectors, artifacts, and then the dead rows that a delete leaves.

Rows go in one transaction. A deleted row stays in its table, unseen, until a VACUUM takes it away,
which it can only when no older snapshot may still look at it. What no statement reaches (the unused
part of a page, the write-ahead log, standbys, backups) is told in docs/postgresql.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mnemon.identity import new_id
from mnemon.store.postgres import artifacts, jobs, quotas, retention, words, writing
from mnemon.store.postgres.turn import Turn
from mnemon.store.postgres.vacuum import vacuumed
from mnemon.store.rows import Purged

if TYPE_CHECKING:
    from psycopg import Connection

PENDING = "purge_pending:"
_TABLES = (
    "versions", "words", "vectors", "spans", "links", "usage", "cubes", "speakers", "namespaces",
    "artifacts", "artifact_sources", "jobs", "job_cubes", "job_files",
    "holdings",
)  # fmt: skip
_SESSIONS = (
    # Standbys' too, which name no database; not autovacuum's, which belong to no role and hold
    # nothing back.
    "FROM pg_stat_activity WHERE coalesce(datname, current_database()) = current_database() "
    "AND usesysid IS NOT NULL AND pid <> pg_backend_pid() "
)
_OLDER = (
    # The horizon of VACUUM: snapshots of sessions, of replication and of prepared transactions, as
    # ages; the older, the greater.
    f"SELECT count(*) FROM (SELECT backend_xmin AS x {_SESSIONS}"
    f"UNION ALL SELECT backend_xid {_SESSIONS}"
    "UNION ALL SELECT xmin FROM pg_replication_slots "
    "UNION ALL SELECT transaction FROM pg_prepared_xacts WHERE database = current_database()"
    ") h WHERE x IS NOT NULL AND age(x) >= age(%s::text::xid)"
)


def delete(
    turn: Turn, ids: Sequence[str], actor: str, now: int, expected: int | None = None
) -> Purged:
    """Delete cubes of a tenant in all versions, with everything made from them.

    Cubes derived from a purged one (summaries, extracted facts) hold its content too and go with
    it, transitively.
    """
    writing.check_latest(turn, ids, expected)
    plan = counted(turn.connection, turn.tenant, ids)
    doomed = list(plan.ids)
    retention.check(turn, doomed)
    cubes = turn.connection.execute(
        "SELECT c.num, c.namespace, c.id, n.path FROM cubes c JOIN namespaces n "
        "ON n.tenant = c.tenant AND n.num = c.namespace "
        "WHERE c.tenant = %s AND c.id = ANY(%s) ORDER BY c.id",
        (turn.tenant, doomed),
    ).fetchall()
    for _, num, id, _ in cubes:
        turn.tell(now, "purge", actor, namespace=num, cube=id)
    emptied = sorted({path for *_, path in cubes})
    made = artifacts.of_cubes(turn.connection, turn.tenant, doomed)
    artifacts.delete(turn.connection, turn.tenant, [num for num, _ in made])
    _delete_rows(turn.connection, turn.tenant, [num for num, *_ in cubes])
    turn.connection.execute(
        "UPDATE directory SET purged_at = %s WHERE tenant = %s AND id = ANY(%s)",
        (now, turn.tenant, doomed),
    )
    gone = jobs.delete_of(turn.connection, turn.tenant, doomed, emptied)
    return replace(plan, jobs=tuple(gone))


def mark(connection: Connection[Any], now: int) -> tuple[str, str]:
    """Note that a purge is under way: its key, and the transaction's number."""
    key = PENDING + new_id()
    connection.execute("INSERT INTO store VALUES (%s, %s)", (key, str(now)))
    row = connection.execute(
        "SELECT (pg_current_xact_id()::text::bigint & 4294967295)::text"
    ).fetchone()
    assert row is not None
    return key, row[0]


def counted(connection: Connection[Any], tenant: int, ids: Sequence[str]) -> Purged:
    """What `delete` would delete."""
    return _counts(connection, tenant, closure(connection, tenant, ids), "")


def ending(connection: Connection[Any], tenant: int, ids: Sequence[str]) -> Purged:
    """What `writing.retire` would end."""
    ended = writing.ending(connection, tenant, ids)
    return _counts(connection, tenant, ended, " AND retired_at IS NULL")


def _counts(connection: Connection[Any], tenant: int, ids: Sequence[str], only: str) -> Purged:
    chosen = "(SELECT num FROM cubes WHERE tenant = %(tenant)s AND id = ANY(%(ids)s))"
    versions, links = (
        (connection.execute(query, {"tenant": tenant, "ids": list(ids)}).fetchone() or (0,))[0]
        for query in (
            f"SELECT count(*) FROM versions WHERE tenant = %(tenant)s AND cube IN {chosen}{only}",
            "SELECT count(*) FROM links WHERE tenant = %(tenant)s "
            f"AND (src IN {chosen} OR dst IN {chosen}){only}",
        )
    )
    made = artifacts.of_cubes(connection, tenant, ids)
    forms = {
        **_vectors(connection, tenant, ids),
        **artifacts.forms(connection, tenant, [num for num, _ in made]),
    }
    keys = tuple(key for _, key in made)
    return Purged(tuple(ids), versions, links, len(made), keys=keys, forms=forms)


def _vectors(connection: Connection[Any], tenant: int, ids: Sequence[str]) -> dict[str, int]:
    found = connection.execute(
        "SELECT count(*) FROM versions v "
        "JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube CROSS JOIN spaces s "
        "JOIN vectors x ON x.tenant = v.tenant AND x.namespace = v.namespace "
        "AND x.space = s.num AND x.row = v.row WHERE v.tenant = %s AND c.id = ANY(%s)",
        (tenant, list(ids)),
    ).fetchone()
    return {"vectors": found[0]} if found and found[0] else {}


def closure(connection: Connection[Any], tenant: int, ids: Sequence[str]) -> list[str]:
    """The ids of existing cubes among `ids`, and of all cubes derived from them, sorted."""
    rows = connection.execute(
        "WITH RECURSIVE doomed (id) AS (SELECT c.id FROM cubes c "
        "WHERE c.tenant = %(tenant)s AND c.id = ANY(%(ids)s) UNION SELECT c.id FROM doomed d "
        "JOIN spans s ON s.tenant = %(tenant)s AND s.cube = d.id "
        "JOIN versions v ON v.tenant = s.tenant AND v.row = s.row "
        "JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube) SELECT id FROM doomed ORDER BY id",
        {"tenant": tenant, "ids": list(ids)},
    )
    return [id for (id,) in rows]


def _delete_rows(connection: Connection[Any], tenant: int, nums: list[int]) -> None:
    rows = [
        row
        for (row,) in connection.execute(
            "SELECT row FROM versions WHERE tenant = %s AND cube = ANY(%s)", (tenant, nums)
        )
    ]
    words.delete(connection, tenant, rows)
    quotas.lose(connection, tenant, rows)
    connection.execute(
        "DELETE FROM vectors x USING versions v WHERE v.tenant = %s AND v.row = ANY(%s) "
        "AND x.tenant = v.tenant AND x.namespace = v.namespace AND x.row = v.row "
        "AND x.space IN (SELECT num FROM spaces)",
        (tenant, rows),
    )
    connection.execute("DELETE FROM spans WHERE tenant = %s AND row = ANY(%s)", (tenant, rows))
    for table, column in (
        ("links", "src"), ("links", "dst"), ("usage", "cube"), ("versions", "cube"),
        ("cubes", "num"),
    ):  # fmt: skip
        connection.execute(
            f"DELETE FROM {table} WHERE tenant = %s AND {column} = ANY(%s)", (tenant, nums)
        )
    connection.execute(
        "DELETE FROM speakers s WHERE s.tenant = %s AND NOT EXISTS (SELECT 1 FROM versions v "
        "WHERE v.tenant = s.tenant AND v.namespace = s.namespace AND v.speaker = s.speaker)",
        (tenant,),
    )
    # A path may name a person: it goes with the last cube in it.
    connection.execute(
        "DELETE FROM namespaces n WHERE n.tenant = %s "
        "AND NOT EXISTS (SELECT 1 FROM cubes c WHERE c.tenant = n.tenant AND c.namespace = n.num) "
        "AND NOT EXISTS (SELECT 1 FROM artifacts a "
        "WHERE a.tenant = n.tenant AND a.namespace = n.num)",
        (tenant,),
    )
    connection.execute(
        "DELETE FROM holdings h WHERE h.tenant = %s AND NOT EXISTS (SELECT 1 FROM namespaces n "
        "WHERE n.tenant = h.tenant AND n.num = h.namespace)",
        (tenant,),
    )


def erase(connection: Connection[Any], key: str, xid: str, patience: float) -> bool:
    """Take the dead rows of a purge away; False if an older snapshot, or a lock, outlasts the
    patience (seconds)."""
    deadline = time.monotonic() + patience
    while _held(connection, xid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    if not vacuumed(connection, _TABLES, deadline):
        return False
    connection.execute("DELETE FROM store WHERE key = %s", (key,))
    return True


def erase_all(connection: Connection[Any], patience: float) -> bool:
    """The same for every purge that was not finished."""
    keys = connection.execute(
        "SELECT key FROM store WHERE starts_with(key, %s)", (PENDING,)
    ).fetchall()
    if not keys:
        return True
    row = connection.execute(
        "SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::bigint & 4294967295)::text"
    ).fetchone()
    assert row is not None
    done = [erase(connection, key, row[0], patience) for (key,) in keys]
    return all(done)


def _held(connection: Connection[Any], xid: str) -> bool:
    row = connection.execute(_OLDER, (xid,)).fetchone()
    return bool(row and row[0])


def pending(connection: Connection[Any]) -> bool:
    """Whether a purge has deleted rows that are still in their tables, dead."""
    found = connection.execute(
        "SELECT 1 FROM store WHERE starts_with(key, %s) LIMIT 1", (PENDING,)
    ).fetchone()
    return found is not None
