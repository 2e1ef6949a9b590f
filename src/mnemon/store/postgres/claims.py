"""Who does which job: claims, made by several replicas at once without waiting for each other.

Who claims locks one row and passes over those that others are just changing (SKIP LOCKED). That two
never begin jobs of one call in one namespace is the work of a unique index: who comes second looks
further.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from psycopg.errors import UniqueViolation

from mnemon.identity import new_id
from mnemon.store.postgres.clock import moment
from mnemon.store.postgres.jobs import get
from mnemon.store.queue import LOST, Claim

if TYPE_CHECKING:
    from psycopg import Connection

_AT_ONCE = 16  # looked at together: others may be taking the first ones
_DUE = (
    "SELECT tenant, id FROM (SELECT DISTINCT ON (tenant, call, namespace) tenant, id, due_at "
    "FROM jobs j WHERE state IN ('waiting', 'running') AND due_at <= %(now)s "
    "AND call = ANY(%(calls)s) AND (machine IS NULL OR machine = %(machine)s) "
    "AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.tenant = j.tenant AND o.state = 'running' "
    "AND o.due_at > %(now)s AND o.call = j.call AND o.namespace IS NOT DISTINCT FROM j.namespace) "
    "ORDER BY tenant, call, namespace, state = 'waiting', due_at, id) AS first "
    f"ORDER BY due_at, id LIMIT {_AT_ONCE}"
)
_LOCK = (
    "SELECT call, namespace FROM jobs WHERE tenant = %(tenant)s AND id = %(id)s "
    "AND state IN ('waiting', 'running') AND due_at <= %(now)s FOR UPDATE SKIP LOCKED"
)
# One that ran out and that only another machine can do makes room: the index lets one run.
_YIELD = (
    "UPDATE jobs SET state = 'waiting', token = NULL WHERE tenant = %(tenant)s AND id <> %(id)s "
    "AND call = %(call)s AND namespace IS NOT DISTINCT FROM %(namespace)s::text "
    "AND state = 'running' AND due_at <= %(now)s"
)
_TAKE = (
    "UPDATE jobs SET state = 'running', token = %(token)s, attempts = attempts + 1, "
    "due_at = %(until)s, started_at = coalesce(started_at, %(now)s), progress = NULL "
    "WHERE tenant = %(tenant)s AND id = %(id)s"
)


def due(connection: Connection[Any], asked: Mapping[str, Any]) -> bool:
    """Whether a job of some `calls` is due that this `machine` can do."""
    return bool(_first(connection, asked, moment(connection)))


def take(connection: Connection[Any], asked: Mapping[str, Any], lease: int) -> Claim | None:
    """Begin the job that is due longest, if there is one that nobody else is just taking."""
    now, token = moment(connection), new_id()
    connection.execute(
        "UPDATE jobs SET state = CASE WHEN cancelling THEN 'cancelled' ELSE 'dead' END, "
        "error = CASE WHEN cancelling THEN NULL ELSE %s END, token = NULL, cancelling = false, "
        "finished_at = %s WHERE (tenant, id) IN (SELECT tenant, id FROM jobs "
        "WHERE state = 'running' AND due_at <= %s AND (cancelling OR attempts >= max_attempts) "
        "FOR UPDATE SKIP LOCKED)",
        (json.dumps(dict(LOST)), now, now),
    )
    given = {"now": now, "token": token, "until": now + lease}
    for tenant, id in _first(connection, asked, now):
        if _taken(connection, {**given, "tenant": tenant, "id": id}):
            found = get(connection, id)
            return None if found is None else Claim(found, token)
    return None


def _taken(connection: Connection[Any], given: Mapping[str, Any]) -> bool:
    """Begin a job, unless somebody else has it or begins another of its call and namespace."""
    try:
        with connection.transaction():  # a savepoint: what did not work is undone alone
            row = connection.execute(_LOCK, given).fetchone()
            if row is None:
                return False
            connection.execute(_YIELD, {**given, "call": row[0], "namespace": row[1]})
            connection.execute(_TAKE, given)
    except UniqueViolation:
        return False
    return True


def _first(
    connection: Connection[Any], asked: Mapping[str, Any], now: int
) -> list[tuple[int, str]]:
    """(tenant, id) of the job of each call and namespace that comes next, if none runs."""
    return connection.execute(_DUE, {**asked, "now": now}).fetchall()
