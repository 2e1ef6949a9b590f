"""Full text: which versions hold a term. The lists are per namespace: the cost of a search does not
depend on other people's memories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mnemon import analysis
from mnemon.store.postgres.turn import Turn

if TYPE_CHECKING:
    import numpy as np
    from psycopg import Connection

_PART = 1000
_TERMS = 200  # read ahead at once


def insert(turn: Turn, num: int, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
    """Index versions of one namespace."""
    _write(turn.connection, turn.tenant, ((num, row, terms) for row, terms in rows))


def _write(
    connection: Connection[Any], tenant: int, rows: Iterable[tuple[int, int, Sequence[str]]]
) -> None:
    counted = [
        (num, term, row, count)
        for num, row, terms in rows
        for term, count in Counter(terms).items()
    ]
    if counted:
        connection.execute(
            "INSERT INTO words (tenant, namespace, term, row, count) SELECT %s, * "
            "FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::integer[])",
            (tenant, *map(list, zip(*counted, strict=True))),
        )


def delete(connection: Connection[Any], tenant: int, rows: Sequence[int]) -> None:
    """Take versions out of the index."""
    connection.execute(
        "DELETE FROM words WHERE tenant = %s AND row = ANY(%s)", (tenant, list(rows))
    )


def postings(
    connection: Connection[Any], tenant: int, nums: Sequence[int], terms: Sequence[str]
) -> list[np.ndarray]:
    """For each term the rows int64 that hold it in some namespaces, one entry an occurrence; those
    of a namespace in order."""
    import numpy as np  # only once there is something to rank

    # As one string a term: a row each through the cursor takes many times as long.
    read = connection.execute(
        "SELECT term, string_agg(row::text, ',' ORDER BY namespace, row), "
        "string_agg(count::text, ',' ORDER BY namespace, row) FROM words "
        "WHERE tenant = %s AND namespace = ANY(%s) AND term = ANY(%s) GROUP BY term",
        (tenant, list(nums), list(terms)),
    )
    found = {term: (rows, counts) for term, rows, counts in read}
    made = []
    for term in terms:
        rows, counts = (
            np.fromstring(listed, dtype=np.int64, sep=",") for listed in found.get(term, ("", ""))
        )
        made.append(np.repeat(rows, counts))
    return made


def scan(
    connection: Connection[Any], tenant: int, num: int, after: str, before: str | None
) -> list[tuple[str, np.ndarray]]:
    """(term, `postings`) of some terms of a namespace after one and before another, ascending."""
    read = connection.execute(
        "SELECT term FROM words WHERE tenant = %s AND namespace = %s AND term > %s "
        "AND (%s::text IS NULL OR term < %s) GROUP BY term ORDER BY term LIMIT %s",
        (tenant, num, after, before, before, _TERMS),
    )
    terms = [term for (term,) in read]
    return list(zip(terms, postings(connection, tenant, [num], terms), strict=True))


def rebuild(connection: Connection[Any]) -> None:
    """Make the whole index again from the versions, of all tenants."""
    connection.execute("DELETE FROM words")
    after = (0, 0)
    while chunk := connection.execute(
        "SELECT tenant, row, namespace, content FROM versions WHERE (tenant, row) > (%s, %s) "
        "ORDER BY tenant, row LIMIT %s",
        (*after, _PART),
    ).fetchall():
        for tenant in {one[0] for one in chunk}:
            mine = [one for one in chunk if one[0] == tenant]
            _write(
                connection, tenant,
                ((num, row, analysis.terms(content)) for _, row, num, content in mine),
            )  # fmt: skip
        connection.cursor().executemany(
            "UPDATE versions SET length = %s, asks = %s WHERE tenant = %s AND row = %s",
            [
                (len(analysis.terms(content)), analysis.asks(content), tenant, row)
                for tenant, row, _, content in chunk
            ],
        )
        after = chunk[-1][:2]
    connection.execute(
        "INSERT INTO store VALUES ('analysis', %s) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (analysis.STAMP,),
    )
