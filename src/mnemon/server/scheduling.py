"""Scheduling: carries out what the scheduler decides for each namespace that has budgets, in the
background of a server; the journal and the audit log tell what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.memory import Memory
from mnemon.server.homes import opening as homes

if TYPE_CHECKING:
    from mnemon.schedule.live.carrying import Applied

ACTOR = "schedule"


@dataclass(frozen=True, slots=True)
class Ran:
    """What was done in one namespace."""

    namespace: str
    applied: Applied


class Scheduling:
    """Runs of the scheduler over a store. Who has no budget is left alone."""

    def __init__(self, store: Path | str, model: str | None = None, to: str | None = None) -> None:
        """Nothing is loaded yet.

        Args:
            model: by name, for `mnemon.models.local.load`; None: nothing is compiled or trained.
            to: a place of keys and values; by default a folder beside the store.
        """
        self._store, self._named, self._to = str(store), model, to
        self._model: Any = None

    def run(self, turn: Callable[[], bool] = lambda: True) -> list[Ran]:
        """Plan and apply, one namespace after the other, if it is this process's turn."""
        if not turn():
            return []
        # Not above: numpy comes with it, before `serving` could tell that how many threads to have.
        from mnemon.schedule.live.notes import Notes

        with Memory(self._store, actor=ACTOR) as memory:
            Notes(memory.path).hand_over(memory._store)
            budgets = memory._store.budgets()
        return [self._ran(path) for path in dict.fromkeys(one.namespace for one in budgets)]

    def _ran(self, namespace: str) -> Ran:
        from mnemon.schedule import plan

        with Memory(self._store, namespace=namespace, actor=ACTOR) as memory:
            applied = plan(memory, model=self._loaded(), to=self._to).apply()
            if applied.done or applied.left:
                homes.of(memory._store).log.append(
                    ACTOR, "schedule", "failed" if applied.left else "done", namespace=namespace,
                    ids=tuple(dict.fromkeys(one.cube for one in applied.done if one.cube)),
                    detail=dict(Counter(one.action for one in applied.done)),
                )  # fmt: skip
        return Ran(namespace, applied)

    def _loaded(self) -> Any:
        if self._named is not None and self._model is None:
            from mnemon.models.local.loading import load

            self._model = load(self._named)
        return self._model
