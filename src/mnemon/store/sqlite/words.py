"""Full text: terms into FTS5, posting lists out of it.

Each term is stored as `<namespace number>·<term>`, so posting lists are per namespace: the cost of
a search does not depend on other people's memories.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mnemon import analysis

if TYPE_CHECKING:
    import numpy as np

# Non-ASCII, so the `ascii` tokenizer keeps it inside the token.
_JOINT = "\u00b7"


def line(num: int, terms: Sequence[str]) -> str:
    """What is indexed for one version."""
    head = f"{num}{_JOINT}"
    return " ".join([head + term for term in terms])


def insert(
    connection: sqlite3.Connection, num: int, rows: Iterable[tuple[int, Sequence[str]]]
) -> None:
    """Index versions of one namespace."""
    connection.executemany(
        "INSERT INTO words (rowid, terms) VALUES (?, ?)",
        [(row, line(num, terms)) for row, terms in rows],
    )


def delete(connection: sqlite3.Connection, rows: Iterable[tuple[int, int, str]]) -> None:
    """Take versions (row, namespace number, content) out of the index."""
    connection.executemany(
        "INSERT INTO words (words, rowid, terms) VALUES ('delete', ?, ?)",
        [(row, line(num, analysis.terms(content))) for row, num, content in rows],
    )


def postings(connection: sqlite3.Connection, nums: Sequence[int], term: str) -> np.ndarray:
    """The rows int64 that hold a term in some namespaces, one entry an occurrence."""
    import numpy as np  # only once there is something to rank

    # As one string: a row each through the cursor takes five times as long.
    listed = (
        connection.execute(
            "SELECT group_concat(doc) FROM postings WHERE term = ?", (f"{num}{_JOINT}{term}",)
        ).fetchone()[0]
        for num in nums
    )
    return np.fromstring(",".join(filter(None, listed)), dtype=np.int64, sep=",")


def scan(
    connection: sqlite3.Connection, num: int, after: str, before: str | None, most: int
) -> list[tuple[str, np.ndarray]]:
    """(term, `postings`) of a namespace's terms after one and before another, ascending, until
    they are `most` entries."""
    import numpy as np

    head, found, entries = f"{num}{_JOINT}", [], 0
    # Between what no term is: of a border itself every occurrence would be read and thrown away.
    last = "" if before is None else f"{before[:-1]}{chr(ord(before[-1]) - 1)}"
    for term, listed in connection.execute(
        "SELECT term, group_concat(doc) FROM postings WHERE term >= ? AND term <= ? GROUP BY term",
        (f"{head}{after}\x01", f"{head}{last}\U0010ffff"),
    ):
        rows = np.fromstring(listed, dtype=np.int64, sep=",")
        found.append((term.removeprefix(head), rows))
        entries += len(rows)
        if entries >= most:
            break
    return found


def rebuild(connection: sqlite3.Connection) -> int:
    """Make the whole index again from the versions; how many were indexed."""
    connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
    read = connection.execute("SELECT row, namespace, content FROM versions ORDER BY row")
    done = 0
    while chunk := read.fetchmany(1000):
        connection.executemany(
            "INSERT INTO words (rowid, terms) VALUES (?, ?)",
            [(row, line(num, analysis.terms(content))) for row, num, content in chunk],
        )
        connection.executemany(
            "UPDATE versions SET length = ?, asks = ? WHERE row = ?",
            [
                (len(analysis.terms(content)), analysis.asks(content), row)
                for row, _, content in chunk
            ],
        )
        done += len(chunk)
    connection.execute(
        "INSERT INTO store VALUES ('analysis', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        (analysis.STAMP,),
    )
    return done
