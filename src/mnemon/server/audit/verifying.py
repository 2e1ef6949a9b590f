"""Verifying: does the chain hold, does it end where it should, is a receipt in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mnemon.errors import InvalidInput
from mnemon.server.audit.entry import GENESIS, Entry, digest_of
from mnemon.server.audit.log import AuditLog, Head

Anchor = tuple[int, str]
"""The number and the hash of an entry, kept somewhere else."""


@dataclass(slots=True)
class Verified:
    """What was found. `problems` is empty for a log that nobody changed; `notes` are what the log
    itself tells of crashes; `receipts` are the entries that hold the receipts asked for."""

    entries: int = 0
    head: Anchor = (0, GENESIS)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    receipts: list[Entry] = field(default_factory=list)


def verify(
    log: AuditLog,
    anchors: Sequence[Anchor] = (),
    receipts: Sequence[Mapping[str, Any]] = (),
) -> Verified:
    """Check every entry, the end, anchors kept elsewhere, and that receipts are in the log.

    An anchor is the only proof against one who can write all the files: whoever can cut the log can
    also rewrite the head beside it.
    """
    found, wanted = Verified(), {digest_of(one) for one in receipts}
    pinned = dict(anchors)
    with log.moment() as (head, entries):
        seen = _Chain(found, pinned, head)
        for number, (line, entry) in enumerate(entries, start=1):
            seen.step(number, line, entry)
            if entry is not None and entry.receipt in wanted:
                found.receipts.append(entry)
    found.problems += _ends(found, pinned, head)
    missing = wanted - {one.receipt for one in found.receipts}
    found.problems += [
        f"the receipt with digest {one} is not in the log" for one in sorted(missing)
    ]
    return found


class _Chain:
    """Goes along the entries."""

    def __init__(self, found: Verified, pinned: dict[int, str], head: Head | None) -> None:
        self._found, self._pinned, self._head = found, pinned, head

    def step(self, number: int, line: bytes, entry: Entry | None) -> None:
        found = self._found
        if entry is None:
            found.problems.append(f"line {number} is no entry")
            return
        if entry.computed() != entry.hash or entry.line() != line:
            found.problems.append(f"entry {entry.seq} (line {number}) was changed")
        seq, hash = found.head
        if number == 1 and entry.seq > 1 and self._pinned.get(entry.seq - 1) == entry.prev:
            found.notes.append(f"begins after entry {entry.seq - 1}, which is your anchor")
        elif entry.seq != seq + 1:
            found.problems.append(f"entry {seq + 1} was to follow, and here is {entry.seq}")
        elif entry.prev != hash:
            found.problems.append(f"entry {entry.seq} does not follow from the one before it")
        if self._pinned.get(entry.seq, entry.hash) != entry.hash:
            found.problems.append(f"entry {entry.seq} is not the one of your anchor")
        head = self._head
        if head is not None and head.seq == entry.seq and head.hash != entry.hash:
            found.problems.append(f"entry {entry.seq} is not the one that the head tells of")
        if entry.verb == "mend":
            told = ", ".join(f"{name} {value}" for name, value in entry.detail.items())
            kind = found.notes if entry.detail.keys() <= {"torn_bytes"} else found.problems
            kind.append(f"entry {entry.seq} at {entry.at}: mended ({told})")
        found.entries += 1
        found.head = (entry.seq, entry.hash)


def _ends(found: Verified, pinned: Mapping[int, str], head: Head | None) -> list[str]:
    last, problems = found.head[0], []
    if head is None and last:
        problems.append("the head is missing: entries may have been cut off the end")
    if head is not None and head.seq > last:
        problems.append(f"entries {last + 1} to {head.seq} were cut off the end")
    problems += [f"entry {seq} of your anchor is not here" for seq in sorted(pinned) if seq > last]
    return problems


def anchor(text: str) -> Anchor:
    """An anchor from `SEQ:HASH`.

    Raises:
        InvalidInput: it is not of that form.
    """
    seq, _, hash = text.partition(":")
    if not seq.isdecimal() or len(hash) != 64:
        raise InvalidInput(f"{text!r} is no anchor: write SEQ:HASH as `mnemon audit verify` does")
    return int(seq), hash
