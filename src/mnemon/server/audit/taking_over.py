"""Taking over the audit log of another home: files, when the memory is in a database now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.errors import InvalidInput, StoreCorrupt
from mnemon.server.audit.log import AuditLog
from mnemon.server.audit.verifying import Anchor, verify


@dataclass(frozen=True, slots=True)
class Taken:
    """What was done: `continued` if the entries are here now; otherwise they stay where they are,
    and an entry here says how they end."""

    entries: int
    seq: int
    hash: str
    continued: bool


def take_over(log: AuditLog, other: AuditLog, anchors: Sequence[Anchor] = ()) -> Taken:
    """Bring another log in. Into one that is empty its entries go as they are, so that the chain
    goes on; two chains cannot be put into each other, so one that has entries takes the other's
    last number and hash, an anchor to verify it by. `anchors` are for verifying the other one.

    Raises:
        InvalidInput: there is no other log. StoreCorrupt: it is not sound.
    """
    if other.empty():
        raise InvalidInput(f"there is no audit log at {other.where}")
    found = verify(other, anchors)
    if found.problems:
        raise StoreCorrupt(f"the audit log {other.where} is not sound: {'; '.join(found.problems)}")
    continued = log.empty()
    if continued:
        log.continue_from(other)
    taken = Taken(found.entries, *found.head, continued)
    log.append(
        "cli", "audit-import", "done",
        detail={"entries": taken.entries, "seq": taken.seq, "hash": taken.hash,
                "continued": continued},
    )  # fmt: skip
    return taken
