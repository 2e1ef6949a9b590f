"""Derived records: what upkeep wants to be there against what is there → edits.

A record cites every cube it was made from, with its version, so that the store ends it in the
transaction that ends or changes one of them. Nothing is changed in place: a record that is no
longer what would be made is retired, and the new one added. So a second run over an unchanged
memory proposes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from mnemon.cube import Draft, Edit, MemCube, Policy
from mnemon.text.extract import Extract

MOST = 2000
"""Characters of a record: what is longer is cut at a word."""

_PAGE = 1000
Reading = Any  # the reading system calls; `Memory` itself lies above this room


def every(memory: Reading, namespace: str, kinds: Sequence[str] | None = None) -> Iterator[MemCube]:
    """The current cubes of exactly this namespace, in recording order.

    What lies in a namespace below is read where it lies: a record made here of what is kept there
    could not be found there.
    """
    last = None
    while True:
        page = memory.list(namespace=namespace, kind=kinds, after=last, limit=_PAGE)
        yield from (cube for cube in page if cube.namespace == namespace)
        if len(page) < _PAGE:
            return
        last = page[-1].id


def sources(memory: Reading, namespace: str, now: datetime) -> list[MemCube]:
    """What people and importers put in, and is still so: no method made it."""
    return [
        cube
        for cube in every(memory, namespace)
        if not made(cube) and (cube.valid_to is None or cube.valid_to > now)
    ]


def made(cube: MemCube) -> bool:
    """Whether a method made a cube."""
    return cube.provenance.producer.startswith("method:")


def record(draft: Draft, kind: str, content: str, cubes: Sequence[MemCube]) -> Draft:
    """A draft as a record of a kind: nobody says it, no conversation holds it (or it would stand
    between the turns), and only those who may read its sources may read it."""
    policy = Policy(
        readers=cubes[0].policy.readers, compile=all(cube.policy.compile for cube in cubes)
    )
    if len(content) > MOST:
        content = content[:MOST].rpartition(" ")[0] or content[:MOST]
    return replace(draft, content=content, kind=kind, speaker=None, session=None, policy=policy)


def each(extract: Extract, cubes: Sequence[MemCube]) -> Iterator[Draft]:
    """The records that a method makes of one cube each."""
    by_id = {cube.id: cube for cube in cubes}
    for draft in extract.extract(cubes):
        yield record(draft, draft.kind, draft.content, [by_id[draft.spans[0].cube]])


def edits(
    memory: Reading, namespace: str, producer: str, kinds: Sequence[str], wanted: Iterable[Draft]
) -> Iterator[Edit]:
    """Retire the records of a producer that are not wanted, add those that are not there."""
    missing = {_mark(one): one for one in (replace(d, producer=producer) for d in wanted)}
    mine = producer.rpartition("@")[0]  # of an older version too: those are replaced
    there = [
        cube
        for cube in every(memory, namespace, kinds)
        if cube.provenance.producer.rpartition("@")[0] == mine
    ]
    for cube in there:
        if missing.pop(_mark(cube), None) is None:
            yield Edit("retire", "its sources changed", cube=cube.id, version=cube.version)
    for draft in missing.values():
        yield Edit("add", "derived from what was said", draft=draft)


def _mark(record: Draft | MemCube) -> tuple[Any, ...]:
    spans = record.provenance.spans if isinstance(record, MemCube) else record.spans
    maker = record.provenance.producer if isinstance(record, MemCube) else record.producer
    return record.kind, record.content, spans, record.policy, maker
