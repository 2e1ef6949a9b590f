"""Several cubes' edits in one transaction: a namespace goes back to what it was."""

from __future__ import annotations

from mnemon.instant import now_micros
from mnemon.store.postgres import artifacts, links, retention, writing
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Rewind


def carry(turn: Turn, scope: str, edits: Rewind, actor: str) -> list[str]:
    """Retire, write versions, end links and make links, in this order; keys of the artifacts that
    went."""
    now = now_micros()
    retention.check(turn, writing.ending(turn.connection, turn.tenant, edits.ended))
    ended = writing.retire(turn, edits.ended, actor, now)
    made = artifacts.of_cubes(turn.connection, turn.tenant, ended)
    artifacts.delete(turn.connection, turn.tenant, [num for num, _ in made])
    for one in edits.revised:
        writing.update(turn, one.id, one.expected, one.row, one.vectors, actor, now, "restore")
    for link in edits.unlinked:
        links.remove(turn, scope, link, actor, now)
    for link in edits.linked:
        links.write(turn, scope, link, actor, now)
    num = writing.namespace_number(turn, scope)
    turn.tell(now, "rollback", actor, namespace=num, detail=edits.told)
    return [key for _, key in made]
