"""Forgetting a person: what they said and what names them, purged with all that was derived.

Matching is by name, in every version, forgotten ones too. It cannot find who is meant by "she" or
"my sister", tell two people of one name apart, or see a picture: so a dry run shows a sample, and
words that may mean them, for a human to look at.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mnemon.errors import NotFound
from mnemon.text.person import Person

if TYPE_CHECKING:
    from mnemon.memory import Memory

_SHOWN = 20
_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """One cube of a dry run's sample, and why it would go: `said` or `named`."""

    id: str
    why: str
    content: str


@dataclass(frozen=True, slots=True)
class PersonReceipt:
    """What forgetting a person did, or would do: how many cubes they said, how many others name
    them, how many more were derived from those, and how many were left because their policy
    keeps them from who asked. A receipt of what was done holds no content,
    and not the name.

    `stamp` is the store's id, the newest journal entry's number and its time; for a key that
    reaches only some namespaces the id alone. `sample` and `possible` (words that may
    mean them in other cubes, and in how many) are a dry run's; `paths` are namespaces whose
    name has theirs in it, which go with their last cube only. `blobs` and `pending` are what they
    are in `Receipt`.
    """

    said: int
    named: int
    derived: int
    left: int
    cubes: int
    versions: int
    links: int
    artifacts: int
    ids: tuple[str, ...]
    purged: bool
    dry_run: bool
    at: datetime
    stamp: str | None
    sample: tuple[Seen, ...] = ()
    possible: tuple[tuple[str, int], ...] = ()
    paths: tuple[str, ...] = ()
    blobs: int = 0
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of what a person said, and of what else names them; see PersonReceipt for the rest."""

    said: tuple[str, ...]
    named: tuple[str, ...]
    possible: tuple[tuple[str, int], ...]
    paths: tuple[str, ...]


def forget(
    memory: Memory, scope: str, person: str | Iterable[str], *, dry_run: bool, show: bool = True
) -> PersonReceipt:
    """Purge a person, by one name or several, from a namespace and all below it; `show` fills a dry
    run's sample.

    Raises:
        InvalidInput: no name in it.
        AccessDenied: a cube's policy names other writers, or it is on hold; none was forgotten.
        PurgeIncomplete: bytes may be left.
    """
    found = find(memory, scope, Person(names_of(person)))
    done = memory.forget([*found.said, *found.named], namespace=scope, purge=True, dry_run=dry_run)
    gone = set(done.ids)
    said, named = len(gone.intersection(found.said)), len(gone.intersection(found.named))
    left = len(found.said) + len(found.named) - said - named
    receipt = PersonReceipt(
        said, named, done.cubes - said - named, left, done.cubes, done.versions, done.links,
        done.artifacts, done.ids, not dry_run, dry_run, done.at, _stamp(memory, scope),
        blobs=done.blobs, pending=done.pending,
    )  # fmt: skip
    if not (dry_run and show):
        return receipt
    sample = tuple(_sample(memory, scope, found))
    return replace(receipt, sample=sample, possible=found.possible, paths=found.paths)


def names_of(person: str | Iterable[str]) -> tuple[str, ...]:
    """A person's names, of one that is told alone or of several."""
    return (person,) if isinstance(person, str) else tuple(person)


def _stamp(memory: Memory, scope: str) -> str | None:
    store = memory._store
    return store.stamp(scope, store.sequence(scope))


def find(memory: Memory, scope: str, person: Person) -> Found:
    """Look through every version of a namespace's cubes."""
    said, named, perhaps, paths = list[str](), list[str](), Counter[str](), set[str]()
    for record in _cubes(memory, scope):
        if person.named(record["namespace"]):
            paths.add(record["namespace"])
        versions = record["versions"]
        if any(person.speaks(version["speaker"]) for version in versions):
            said.append(record["cube"])
        elif any(person.named(text) for text in _texts(record)):
            named.append(record["cube"])
        else:
            perhaps.update(set().union(*(person.perhaps(text) for text in _texts(record))))
    return Found(
        tuple(said), tuple(named), tuple(perhaps.most_common(_SHOWN)), tuple(sorted(paths))
    )


def _cubes(memory: Memory, scope: str) -> Iterator[dict[str, Any]]:
    with closing(memory.dump(namespace=scope)) as lines:
        for line in lines:
            record = json.loads(line)
            if "cube" in record:
                yield record


def _texts(record: Mapping[str, Any]) -> Iterator[str]:
    """All that a cube says in words: content, session, source, metadata, its key."""
    yield from _strings([record["key"]])
    for version in record["versions"]:
        fields = ("content", "speaker", "session", "source", "metadata")
        yield from _strings([version[name] for name in fields])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def _sample(memory: Memory, scope: str, found: Found) -> Iterator[Seen]:
    for why, ids in (("said", found.said), ("named", found.named)):
        for id in ids[: _SHOWN // 2]:
            try:  # an export asks no policy, so what this actor may not read is left out here
                last = memory.history(id, namespace=scope)[-1]
            except NotFound:
                continue
            yield Seen(id, why, last.content[:_EXCERPT])
