"""Job: a call that goes on in the background. A frozen value, as cubes are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")

STATES = ("waiting", "running", "done", "dead", "cancelled")
FINISHED = frozenset({"done", "dead", "cancelled"})


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """A call that was put into a store's queue, as it was when this was read.

    `state` is `waiting` (not before `due_at`), `running`, `done` (with `result`, what the call
    returns), `dead` (it failed for good or too often; `error` tells why) or `cancelled`.
    `namespace` is None for what concerns the whole store. `options` are the call's own, `cubes` the
    ids it names; content is in neither, nor in `result` or `error`. `progress` is (done, in all),
    in the call's own measure. `cancelling`: it was asked to stop and has not yet.
    """

    id: str
    call: str
    namespace: str | None
    actor: str
    state: str
    created_at: datetime
    due_at: datetime
    options: Mapping[str, Any] = field(default_factory=dict)
    cubes: tuple[str, ...] = ()
    key: str | None = None
    attempts: int = 0
    max_attempts: int = 1
    cancelling: bool = False
    progress: tuple[int, int] | None = None
    result: T | None = None
    error: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in FINISHED
