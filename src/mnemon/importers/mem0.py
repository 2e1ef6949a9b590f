"""Memories of mem0: what `get_all()` returns, as one JSON object, a bare list, or JSON Lines.

    {"results": [{"id": "892d", "memory": "Lives in Lima", "hash": "c1a2", "user_id": "ana",
                  "metadata": {"source": "chat"}, "categories": ["home"],
                  "created_at": "2024-07-20T01:30:36.275141-07:00", "updated_at": null}]}

Source: https://docs.mem0.ai (`get_all`); `memories` is read like `results`. A memory becomes a
`fact` of the time it was last updated. mem0 overwrites: its id and text together are the key, so
that a later export brings what has changed. The `relations` of its graph are not read.

Errors: a memory without id or text, or with an unreadable time, is reported, the rest kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, ClassVar

from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import History, Malformed
from mnemon.importers._fields import Broken, label, moment, spoken, text, told
from mnemon.importers._history import opening
from mnemon.importers._json import array, lines, recognise, shape
from mnemon.importers._key import digest

__all__ = ["Mem0"]

_LISTS = ("results", "memories")
_MARKS = frozenset({"memory", "[].memory", "results[].memory", "memories[].memory"})
_OWNERS = ("user_id", "agent_id", "app_id", "run_id", "actor_id", "role")


@dataclass(frozen=True)
class Mem0:
    """Reads memories exported from mem0: one fact for each."""

    suffixes: ClassVar[tuple[str, ...]] = (".json", ".jsonl", ".zip")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Objects with a `memory`."""
        return bool(_MARKS & shape(opening(path, head, "*.json*")))

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """Memory by memory.

        Raises:
            ImportFailed: no object in the beginning has a `memory`.
        """
        files = history.files("*.json*")
        if not files:
            raise ImportFailed(f"{history.path} has no JSON file, so is no export of mem0")
        for name in files:
            with history.open(name) as stream:
                for found in _entries(stream):
                    yield found if isinstance(found, Malformed) else _fact(*found)


def _entries(stream: BufferedReader) -> Iterator[tuple[str, dict[str, Any]] | Malformed]:
    found = recognise(stream, _MARKS | set(_LISTS), "an export of mem0: objects with `memory`")
    for key in _LISTS:
        if key in found:
            return array(stream, "memory", key)
    return lines(stream) if "memory" in found else array(stream, "memory")


def _fact(place: str, entry: dict[str, Any]) -> Draft | Malformed:
    try:
        content = spoken(text(entry, "memory"))
        id = label(entry, "id")
        if id is None:
            raise Broken("it has no id")
        time = entry.get("updated_at") or entry.get("created_at")
        at = None if time is None else moment(time)
    except Broken as error:
        return Malformed(place, str(error))
    extra = entry.get("metadata")
    run = label(entry, "run_id")
    return Draft(
        content=content,
        kind="fact",
        speaker=label(entry, "actor_id"),
        session=f"mem0/{run}" if run else None,
        at=at,
        source=f"mem0:{id}",
        key=f"mem0:{id}:{digest(content)}",
        metadata={
            **(extra if isinstance(extra, dict) else {}),
            **told(**{name: label(entry, name) for name in _OWNERS}),
            **told(categories=entry.get("categories"), created_at=label(entry, "created_at")),
        },
    )
