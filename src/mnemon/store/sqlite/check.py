"""fsck: every promise of the layout, checked against the file."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from mnemon import analysis
from mnemon.store.rows import Problem
from mnemon.store.sqlite import artifacts, purge, quotas, words

# (name, query that returns the ids or numbers of what is wrong, what it means, repair statement)
_RULES = (
    (
        "one-current-version",
        "SELECT cube FROM versions WHERE retired_at IS NULL GROUP BY cube HAVING count(*) > 1",
        "cubes with several current versions",
    ),
    (
        "versions-contiguous",
        "SELECT cube FROM versions GROUP BY cube HAVING max(version) != count(*) "
        "OR min(version) != 1",
        "cubes whose versions are not 1, 2, 3 …",
    ),
    (
        "times-in-order",
        "SELECT a.row FROM versions a JOIN versions b ON b.cube = a.cube "
        "AND b.version = a.version + 1 WHERE a.retired_at IS NULL "
        "OR a.retired_at > b.recorded_at OR a.recorded_at >= a.retired_at",
        "versions that end after their successor began",
    ),
    (
        "cube-has-versions",
        "SELECT num FROM cubes WHERE num NOT IN (SELECT cube FROM versions)",
        "cubes without any version",
    ),
    (
        "version-has-cube",
        "SELECT v.row FROM versions v LEFT JOIN cubes c ON c.num = v.cube "
        "WHERE c.num IS NULL OR c.namespace != v.namespace",
        "versions whose cube is missing or lies in another namespace",
    ),
    (
        "namespace-known",
        "SELECT num FROM cubes WHERE namespace NOT IN (SELECT num FROM namespaces)",
        "cubes in a namespace that does not exist",
    ),
    (
        "links-have-ends",
        "SELECT num FROM links WHERE src NOT IN (SELECT num FROM cubes) "
        "OR dst NOT IN (SELECT num FROM cubes)",
        "links to or from nothing",
    ),
    (
        "live-links-current",
        "SELECT num FROM links l WHERE retired_at IS NULL AND (NOT EXISTS (SELECT 1 FROM versions "
        "WHERE cube = l.src AND retired_at IS NULL) OR NOT EXISTS (SELECT 1 FROM versions "
        "WHERE cube = l.dst AND retired_at IS NULL))",
        "live links with a forgotten end",
    ),
    (
        "spans-have-rows",
        "SELECT row FROM spans WHERE row NOT IN (SELECT row FROM versions)",
        "provenance of versions that do not exist",
    ),
    (
        "vectors-have-rows",
        "SELECT x.row FROM vectors x LEFT JOIN versions v ON v.row = x.row "
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
        "(SELECT 1 FROM vectors x WHERE x.namespace = v.namespace AND x.space = s.num "
        "AND x.row = v.row)",
        "versions without a vector in the active space (run reindex)",
    ),
    (
        "purged-are-gone",
        "SELECT t.id FROM tombstones t JOIN cubes c ON c.id = t.id",
        "purged cubes that are back",
    ),
    (
        "artifact-sources",
        "SELECT artifact FROM artifact_sources WHERE artifact NOT IN (SELECT num FROM artifacts)",
        "sources of artifacts that do not exist",
    ),
)
_ORPHANED = (
    "WITH RECURSIVE orphaned (key) AS (SELECT key FROM artifacts WHERE parent IS NOT NULL "
    "AND parent NOT IN (SELECT key FROM artifacts) UNION SELECT a.key FROM orphaned o "
    "JOIN artifacts a ON a.parent = o.key)"
)
_JOB_RULES = (
    (
        "running-jobs-held",
        "SELECT id FROM jobs WHERE (state = 'running') != (token NOTNULL)",
        "jobs that run for nobody, or are held and do not run",
    ),
    (
        "job-cubes",
        "SELECT job FROM job_cubes WHERE job NOT IN (SELECT num FROM jobs)",
        "cubes named by jobs that do not exist",
    ),
)
_TENANCY_RULES = (
    (
        "holdings-counted",
        f"SELECT namespace FROM ({quotas.COUNTED} EXCEPT SELECT * FROM holdings) UNION "
        f"SELECT namespace FROM (SELECT * FROM holdings EXCEPT {quotas.COUNTED}) "
        "WHERE cubes OR bytes",
        "namespaces whose counters for quotas are wrong",
    ),
)
_LINEAGE_RULES = (
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
)
_LATER = ((2, _JOB_RULES), (3, _TENANCY_RULES), (5, _LINEAGE_RULES))
"""Rules of what later layouts added: a store that is only read keeps its own."""


def problems(connection: sqlite3.Connection, blobs: Path | None) -> Iterator[Problem]:
    """Everything wrong with a store; nothing for a sound one. Reads all of it."""
    for (line,) in connection.execute("PRAGMA integrity_check(20)"):
        if line != "ok":
            yield Problem("sqlite-integrity", line)
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    later = (rule for first, rules in _LATER if layout >= first for rule in rules)
    for name, query, meaning in (*_RULES, *later):
        wrong = [str(row[0]) for row in connection.execute(query)]
        if wrong:
            yield Problem(name, f"{len(wrong)} {meaning}: {', '.join(wrong[:5])}")
    yield from _digests(connection)
    yield from _words(connection)
    yield from _blobs(connection, blobs)
    if purge.pending(connection):
        yield Problem("purge-pending", "purged bytes may still be on disk (fsck --repair erases)")


def _digests(connection: sqlite3.Connection) -> Iterator[Problem]:
    for row, content, digest in connection.execute("SELECT row, content, digest FROM versions"):
        if hashlib.sha256(content.encode()).digest() != digest:
            yield Problem("content-digest", f"version row {row}: content differs from its digest")


def _words(connection: sqlite3.Connection) -> Iterator[Problem]:
    stamp = connection.execute("SELECT value FROM store WHERE key = 'analysis'").fetchone()
    if stamp is None or stamp[0] != analysis.STAMP:
        yield Problem("words-analysis", f"words were indexed by {stamp}, this is {analysis.STAMP}")
    wrong = connection.execute(
        "SELECT coalesce(v.row, p.doc) FROM versions v FULL JOIN "
        "(SELECT doc, count(*) AS n FROM postings GROUP BY doc) p ON p.doc = v.row "
        "WHERE coalesce(v.length, -1) != coalesce(p.n, 0)"
        if sqlite3.sqlite_version_info >= (3, 39)
        else "SELECT row FROM versions v LEFT JOIN "
        "(SELECT doc, count(*) AS n FROM postings GROUP BY doc) p ON p.doc = v.row "
        "WHERE v.length != coalesce(p.n, 0)"
    ).fetchall()
    if wrong:
        rows = ", ".join(str(row) for (row,) in wrong[:5])
        yield Problem("words-complete", f"{len(wrong)} versions indexed wrongly: {rows}")


def _blobs(connection: sqlite3.Connection, blobs: Path | None) -> Iterator[Problem]:
    named = dict(connection.execute("SELECT blob, checksum FROM artifacts WHERE blob IS NOT NULL"))
    for name, checksum in named.items():
        file = None if blobs is None else blobs / name
        if file is None or not file.exists():
            yield Problem("blob-missing", f"artifact file {name} is gone")
        elif hashlib.sha256(file.read_bytes()).digest() != checksum:
            yield Problem("blob-damaged", f"artifact file {name} differs from its checksum")
    if blobs is not None and blobs.is_dir():
        for file in sorted(blobs.iterdir()):
            if file.name not in named:
                yield Problem("blob-orphan", f"file {file.name} belongs to no artifact")


def repair(connection: sqlite3.Connection) -> None:
    """Mend what can be mended without guessing: derived rows are rebuilt, rows of nothing dropped.

    Runs in the writer's transaction. Content and history are never changed.
    """
    words.rebuild(connection)
    quotas.recount(connection)
    connection.execute("DELETE FROM spans WHERE row NOT IN (SELECT row FROM versions)")
    connection.execute(
        "DELETE FROM links WHERE src NOT IN (SELECT num FROM cubes) "
        "OR dst NOT IN (SELECT num FROM cubes)"
    )
    connection.execute("DELETE FROM vectors WHERE row NOT IN (SELECT row FROM versions)")
    connection.execute(
        "DELETE FROM artifact_sources WHERE artifact NOT IN (SELECT num FROM artifacts)"
    )
    orphaned = connection.execute(f"{_ORPHANED} SELECT key FROM orphaned").fetchall()
    artifacts.delete(connection, [key for (key,) in orphaned])
    connection.execute("DELETE FROM removals WHERE place NOT IN (SELECT num FROM places)")
    connection.execute("DELETE FROM usage WHERE cube NOT IN (SELECT num FROM cubes)")
    connection.execute("DELETE FROM job_cubes WHERE job NOT IN (SELECT num FROM jobs)")
