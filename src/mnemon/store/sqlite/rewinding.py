"""Several cubes' edits in one transaction: a namespace goes back to what it was."""

from __future__ import annotations

import sqlite3

from mnemon.store.rows import Rewind
from mnemon.store.sqlite import artifacts, journal, links, retention, writing


def carry(
    connection: sqlite3.Connection, scope: str, edits: Rewind, actor: str, now: int
) -> list[tuple[str, str | None]]:
    """Retire, write versions, end links and make links, in this order; (key, blob) of the artifacts
    that went."""
    retention.check(connection, writing.ending(connection, edits.ended))
    ended = writing.retire(connection, edits.ended, actor, now)
    made = artifacts.of_cubes(connection, ended)
    artifacts.delete(connection, [key for key, _ in made])
    for one in edits.revised:
        told = (one.id, one.expected, one.row, one.vectors)
        writing.update(connection, *told, actor, now, "restore")
    for link in edits.unlinked:
        links.remove(connection, scope, link, actor, now)
    for link in edits.linked:
        links.write(connection, scope, link, actor, now)
    num = writing.namespace_number(connection, scope)
    journal.write(connection, now, "rollback", actor, namespace=num, detail=edits.told)
    return made
