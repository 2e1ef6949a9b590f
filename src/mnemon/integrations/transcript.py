"""Transcript: one conversation as cubes, in order, each with the framework's own item as JSON."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mnemon import namespace as paths
from mnemon.cube import Draft, MemCube
from mnemon.errors import InvalidInput
from mnemon.integrations.wording import searchable
from mnemon.memory import Memory

SAID, STEP = "episode", "step"
"""Kinds: what someone said, and what else happened (calls of tools, their results, reasoning)."""

_ALL = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a conversation: as the framework has it, and what a search should read of it."""

    item: Any
    text: str
    speaker: str | None
    kind: str = SAID


class Transcript:
    """The items of one session, in the order they were added.

    Args:
        memory: where they are kept.
        session: the conversation's name.
        form: whose items they are, such as "langchain"; several forms may share a session.
        namespace: the memory's own if None.
    """

    def __init__(self, memory: Memory, session: str, form: str, namespace: str | None) -> None:
        if not session:
            raise InvalidInput("a session needs a name: pass its id as text that is not empty")
        self.memory = memory
        self.session = session
        self._form = form
        self._namespace = paths.check(memory.namespace if namespace is None else namespace)
        self._lock = threading.Lock()

    def add(self, entries: Sequence[Entry]) -> None:
        """Add all of them, or none."""
        drafts = [self._draft(entry) for entry in entries]
        if drafts:
            self.memory.add(drafts, namespace=self._namespace)

    def items(self, limit: int | None = None) -> list[Any]:
        """The newest `limit` items (all if None), oldest first."""
        found = [json.loads(cube.metadata["item"]) for cube in self._cubes()]
        return found if limit is None else found[max(len(found) - limit, 0) :]

    def pop(self) -> Any:
        """Forget the newest item and give it; None if there is none."""
        with self._lock:
            while cubes := self._cubes():
                # Nobody else's pop took the same one: a cube is forgotten once.
                if self.memory.forget(cubes[-1].id, namespace=self._namespace).cubes:
                    return json.loads(cubes[-1].metadata["item"])
        return None

    def clear(self) -> None:
        """Forget all of them; the past keeps them."""
        ids = [cube.id for cube in self._cubes()]
        if ids:
            self.memory.forget(ids, namespace=self._namespace)

    def _cubes(self) -> list[MemCube]:
        found = self.memory.list(
            namespace=self._namespace, session=self.session, metadata={"form": self._form},
            limit=_ALL,
        )  # fmt: skip
        return [cube for cube in found if cube.namespace == self._namespace]

    def _draft(self, entry: Entry) -> Draft:
        try:
            item = json.dumps(entry.item)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(f"this message cannot be written as JSON: {error}") from error
        text = searchable(entry.text, "")
        return Draft(
            text or "(no text)",
            kind=entry.kind if text else STEP,
            speaker=entry.speaker,
            session=self.session,
            metadata={"form": self._form, "item": item},
            producer=f"integration:{self._form}",
        )
