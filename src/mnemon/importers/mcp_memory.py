"""The memory file of the MCP memory server: a graph of entities, observations and relations.

    {"type": "entity", "name": "Ana", "entityType": "person", "observations": ["Lives in Lima"]}
    {"type": "relation", "from": "Ana", "to": "Acme", "relationType": "works at"}

Source: https://github.com/modelcontextprotocol/servers, `src/memory` (`memory.jsonl`, formerly
`memory.json`). The format has no times. An entity becomes a cube of kind `entity`; an observation
a `fact` linked `about` it; a relation a `fact` linked `about` both its ends, as far as they are
entities of this file (the server does not check).

Errors: a line that is no JSON or lacks a field is reported, and an observation that is no text;
the rest is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import History, Malformed
from mnemon.importers._fields import Broken, sequence, spoken, text
from mnemon.importers._history import opening
from mnemon.importers._json import lines, recognise, shape
from mnemon.importers._key import digest

__all__ = ["McpMemory"]

_MARKS = frozenset({"entityType", "relationType"})


@dataclass(frozen=True)
class McpMemory:
    """Reads the graph of the MCP memory server: entities, and facts about them."""

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".json", ".zip")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Lines with an `entityType` or a `relationType`."""
        return bool(_MARKS & shape(opening(path, head, "memory.json*")))

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """Entities and observations as they come, then the relations.

        Raises:
            ImportFailed: no line in the beginning is an entity or a relation.
        """
        files = history.files("memory.json*")
        if not files:
            raise ImportFailed(f"{history.path} has no memory.jsonl of the MCP memory server")
        known: set[str] = set()
        for name in files:
            relations = []
            with history.open(name) as stream:
                recognise(stream, _MARKS, "a memory of the MCP server: lines with `entityType`")
                for found in lines(stream):
                    if isinstance(found, Malformed):
                        yield found
                    elif found[1].get("type") == "relation":
                        # A link needs its entity first, and the file may have it later.
                        relations.append(found)
                    else:
                        yield from _entity(*found, known)
            for place, entry in relations:
                yield _relation(place, entry, known)


def _entity(place: str, entry: dict[str, Any], known: set[str]) -> Iterator[Draft | Malformed]:
    try:
        if entry.get("type") != "entity":
            raise Broken(f"type is {entry.get('type')!r}, not 'entity' or 'relation'")
        name = spoken(text(entry, "name"))
        kind = text(entry, "entityType")
        observations = sequence(entry.get("observations"), "observations")
    except Broken as error:
        yield Malformed(place, str(error))
        return
    known.add(name)
    yield Draft(
        content=f"{name} ({kind})" if kind else name,
        kind="entity",
        session=f"mcp-memory/{name}",
        source=f"mcp-memory:{place}",
        key=_key(name),
        metadata={"name": name, "type": kind},
    )
    yield from _observations(place, name, observations)


def _observations(place: str, name: str, observations: list[Any]) -> Iterator[Draft | Malformed]:
    seen = set()
    for number, content in enumerate(observations, 1):
        if not isinstance(content, str) or not content.strip():
            yield Malformed(f"{place}, observation {number}", "it is no text, or empty")
        elif content not in seen:  # an observation is said once; the server sees to it as well
            seen.add(content)
            yield Draft(
                content=content,
                kind="fact",
                session=f"mcp-memory/{name}",
                source=f"mcp-memory:{place}",
                key=f"mcp-memory:observation:{digest(name, content)}",
                metadata={"name": name},
                links=(("about", _key(name)),),
            )


def _relation(place: str, entry: dict[str, Any], known: set[str]) -> Draft | Malformed:
    try:
        ends = [spoken(text(entry, "from")), spoken(text(entry, "to"))]
        kind = spoken(text(entry, "relationType"))
    except Broken as error:
        return Malformed(place, str(error))
    return Draft(
        content=f"{ends[0]} {kind} {ends[1]}",
        kind="fact",
        session=f"mcp-memory/{ends[0]}",
        source=f"mcp-memory:{place}",
        key=f"mcp-memory:relation:{digest(ends[0], kind, ends[1])}",
        metadata={"from": ends[0], "to": ends[1], "relation": kind},
        links=tuple(("about", _key(name)) for name in dict.fromkeys(ends) if name in known),
    )


def _key(entity: str) -> str:
    return f"mcp-memory:entity:{digest(entity)}"
