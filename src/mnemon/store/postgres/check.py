"""fsck: every promise of the layout, checked against the tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mnemon import analysis
from mnemon.store.postgres import artifacts, purge, quotas, words
from mnemon.store.postgres.tables import SERVERS_TABLES, TENANT_TABLES
from mnemon.store.rows import Problem

if TYPE_CHECKING:
    from psycopg import Connection

_ORPHANED = (
    "WITH RECURSIVE orphaned (tenant, num, key) AS (SELECT tenant, num, key FROM artifacts a "
    "WHERE parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM artifacts p "
    "WHERE p.tenant = a.tenant AND p.key = a.parent) UNION SELECT a.tenant, a.num, a.key "
    "FROM orphaned o JOIN artifacts a ON a.tenant = o.tenant AND a.parent = o.key)"
)

# (name, query that returns the ids or numbers of what is wrong, what it means)
_RULES = (
    (
        "one-current-version",
        "SELECT cube FROM versions WHERE retired_at IS NULL GROUP BY tenant, cube "
        "HAVING count(*) > 1",
        "cubes with several current versions",
    ),
    (
        "versions-contiguous",
        "SELECT cube FROM versions GROUP BY tenant, cube HAVING max(version) != count(*) "
        "OR min(version) != 1",
        "cubes whose versions are not 1, 2, 3 …",
    ),
    (
        "times-in-order",
        "SELECT a.row FROM versions a JOIN versions b ON b.tenant = a.tenant AND b.cube = a.cube "
        "AND b.version = a.version + 1 WHERE a.retired_at IS NULL "
        "OR a.retired_at > b.recorded_at OR a.recorded_at >= a.retired_at",
        "versions that end after their successor began",
    ),
    (
        "cube-has-versions",
        "SELECT id FROM cubes c WHERE NOT EXISTS "
        "(SELECT 1 FROM versions v WHERE v.tenant = c.tenant AND v.cube = c.num)",
        "cubes without any version",
    ),
    (
        "version-has-cube",
        "SELECT v.row FROM versions v LEFT JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube "
        "WHERE c.num IS NULL OR c.namespace != v.namespace",
        "versions whose cube is missing or lies in another namespace",
    ),
    (
        "namespace-known",
        "SELECT id FROM cubes c WHERE NOT EXISTS "
        "(SELECT 1 FROM namespaces n WHERE n.tenant = c.tenant AND n.num = c.namespace)",
        "cubes in a namespace that does not exist",
    ),
    (
        "directory-complete",
        "SELECT c.id FROM cubes c LEFT JOIN directory d ON d.id = c.id "
        "WHERE d.id IS NULL OR d.tenant != c.tenant",
        "cubes that the directory does not lead to",
    ),
    (
        "directory-true",
        "SELECT d.id FROM directory d WHERE d.purged_at IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM cubes c WHERE c.tenant = d.tenant AND c.id = d.id)",
        "entries of the directory that lead nowhere",
    ),
    (
        "live-links-current",
        "SELECT num FROM links l WHERE retired_at IS NULL AND (NOT EXISTS (SELECT 1 "
        "FROM versions v WHERE v.tenant = l.tenant AND v.cube = l.src AND v.retired_at IS NULL) "
        "OR NOT EXISTS (SELECT 1 FROM versions v "
        "WHERE v.tenant = l.tenant AND v.cube = l.dst AND v.retired_at IS NULL))",
        "live links with a forgotten end",
    ),
    (
        "vectors-have-rows",
        "SELECT x.row FROM vectors x LEFT JOIN versions v ON v.tenant = x.tenant AND v.row = x.row "
        "LEFT JOIN spaces s ON s.num = x.space WHERE v.row IS NULL OR s.num IS NULL "
        "OR v.namespace != x.namespace",
        "vectors of nothing, or in another namespace than their version",
    ),
    (
        "vector-length",
        "SELECT x.row FROM vectors x JOIN spaces s ON s.num = x.space "
        "WHERE length(x.vector) != s.dimension + 4",
        "vectors of another length than their space",
    ),
    (
        "versions-have-vectors",
        "SELECT v.row FROM versions v JOIN spaces s ON s.state = 'active' WHERE NOT EXISTS "
        "(SELECT 1 FROM vectors x WHERE x.tenant = v.tenant AND x.namespace = v.namespace "
        "AND x.space = s.num AND x.row = v.row)",
        "versions without a vector in the active space (run reindex)",
    ),
    (
        "purged-are-gone",
        "SELECT d.id FROM directory d JOIN cubes c ON c.tenant = d.tenant AND c.id = d.id "
        "WHERE d.purged_at IS NOT NULL",
        "purged cubes that are back",
    ),
    (
        "numbers-given-out",
        "SELECT c.tenant FROM counters c WHERE c.seq < (SELECT coalesce(max(seq), 0) "
        "FROM journal j WHERE j.tenant = c.tenant) OR c.row < (SELECT "
        "coalesce(max(v.row) - (c.tenant << 35), 0) FROM versions v WHERE v.tenant = c.tenant)",
        "tenants whose counters are behind what they counted",
    ),
    (
        "holdings-counted",
        f"SELECT coalesce(c.namespace, h.namespace) FROM ({quotas.COUNTED} "
        "GROUP BY tenant, namespace) c FULL JOIN holdings h "
        "ON h.tenant = c.tenant AND h.namespace = c.namespace "
        "WHERE coalesce(c.cubes, 0) != coalesce(h.cubes, 0) "
        "OR coalesce(c.bytes, 0) != coalesce(h.bytes, 0)",
        "namespaces whose counters for quotas are wrong",
    ),
    (
        "artifact-parents",
        f"{_ORPHANED} SELECT key FROM orphaned",
        "artifacts that continue what is not there",
    ),
    (
        "removals-have-places",
        "SELECT key FROM removals WHERE place NOT IN (SELECT num FROM places)",
        "artifacts to be removed from places that do not exist",
    ),
    (
        "running-jobs-held",
        "SELECT id FROM jobs WHERE (state = 'running') != (token IS NOT NULL)",
        "jobs that run for nobody, or are held and do not run",
    ),
    (
        "words-complete",
        "SELECT v.row FROM versions v LEFT JOIN (SELECT tenant, row, sum(count) AS n FROM words "
        "GROUP BY tenant, row) w ON w.tenant = v.tenant AND w.row = v.row "
        "WHERE v.length != coalesce(w.n, 0)",
        "versions indexed wrongly",
    ),
    (
        "words-have-rows",
        "SELECT DISTINCT w.row FROM words w WHERE NOT EXISTS (SELECT 1 FROM versions v "
        "WHERE v.tenant = w.tenant AND v.row = w.row AND v.namespace = w.namespace)",
        "words of versions that do not exist",
    ),
)


def problems(connection: Connection[Any]) -> Iterator[Problem]:
    """Everything wrong with a store; nothing for a sound one. Reads all of it."""
    for name, query, meaning in _RULES:
        wrong = [str(row[0]) for row in connection.execute(query).fetchall()]
        if wrong:
            yield Problem(name, f"{len(wrong)} {meaning}: {', '.join(wrong[:5])}")
    yield from _digests(connection)
    yield from _security(connection)
    stamp = connection.execute("SELECT value FROM store WHERE key = 'analysis'").fetchone()
    if stamp is None or stamp[0] != analysis.STAMP:
        yield Problem("words-analysis", f"words were indexed by {stamp}, this is {analysis.STAMP}")
    if purge.pending(connection):
        yield Problem("purge-pending", "purged rows may still be in tables (fsck --repair erases)")


def _digests(connection: Connection[Any]) -> Iterator[Problem]:
    with connection.cursor(name="digests") as cursor:
        cursor.execute("SELECT row, content, digest FROM versions")
        for row, content, digest in cursor:
            if hashlib.sha256(content.encode()).digest() != digest:
                yield Problem("content-digest", f"version row {row}: content and digest differ")
    with connection.cursor(name="payloads") as cursor:
        cursor.itersize = 1  # each may be large
        cursor.execute(
            "SELECT key, sha256(payload) = checksum FROM artifacts "
            "WHERE size > 65536 AND payload IS NOT NULL"
        )
        for key, same in cursor:
            if not same:
                yield Problem("blob-damaged", f"artifact {key[:16]} differs from its checksum")


def _security(connection: Connection[Any]) -> Iterator[Problem]:
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
        "AND relname = ANY(%s) AND NOT (relrowsecurity AND relforcerowsecurity)",
        ([*TENANT_TABLES, *SERVERS_TABLES],),
    ).fetchall()
    if rows:
        names = ", ".join(name for (name,) in rows)
        yield Problem("row-security", f"row-level security is off: {names}")


def repair(connection: Connection[Any]) -> None:
    """Mend what can be mended without guessing: derived rows are rebuilt, rows of nothing dropped.

    Content and history are never changed; writers wait (see `vectors.switch`).
    """
    connection.execute("LOCK TABLE spaces IN SHARE ROW EXCLUSIVE MODE")
    words.rebuild(connection)
    quotas.recount(connection)
    connection.execute(
        "DELETE FROM vectors x WHERE NOT EXISTS "
        "(SELECT 1 FROM versions v WHERE v.tenant = x.tenant AND v.row = x.row)"
    )
    orphaned: dict[int, list[int]] = {}
    for tenant, num in connection.execute(f"{_ORPHANED} SELECT tenant, num FROM orphaned"):
        orphaned.setdefault(tenant, []).append(num)
    for tenant, nums in orphaned.items():
        artifacts.delete(connection, tenant, nums)
    connection.execute("DELETE FROM removals WHERE place NOT IN (SELECT num FROM places)")
    connection.execute(
        "INSERT INTO directory (id, tenant) SELECT id, tenant FROM cubes ON CONFLICT DO NOTHING"
    )
