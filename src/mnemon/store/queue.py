"""What a store's queue must do; `tests/conformance/test_queue*.py` hold every store to it.

A job runs at least once: whoever claims it holds it for a lease, which is renewed while the work
goes on, and a job whose lease has run out is claimed by the next who asks. A claim has a token of
its own, and whoever lost his claim can change nothing any more. The clock is the store's, so
callers say for how long and never until when. Every change is atomic and durable when it returns;
the journal, which tells of cubes, has none of them.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mnemon.job import Job

LOST: Mapping[str, Any] = {
    "type": "urn:mnemon:job-lost",
    "title": "Every process that worked on the job went away.",
    "status": 500,
    "detail": "each process that worked on it died or stood still: see what it was asked to do, "
    "then retry it or cancel it",
}
"""The error of a job whose last lease ran out."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job about to be written. A `key` that the namespace has already enqueues nothing."""

    id: str
    call: str
    namespace: str | None
    actor: str
    options: Mapping[str, Any] = field(default_factory=dict)
    cubes: tuple[str, ...] = ()
    key: str | None = None
    max_attempts: int = 8


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that one worker holds, and the token that proves it."""

    job: Job[Any]
    token: str


class Queue(Protocol):
    """The jobs of a store."""

    def enqueue(self, new: NewJob) -> Job[Any]:
        """Write a job that is due at once; the one that is there if its namespace has the key.

        Raises NotFound when it names a cube that was purged.
        """
        ...

    def claim(self, calls: Sequence[str], lease: float) -> Claim | None:
        """Take the job of these calls that has been due longest, for `lease` seconds.

        It is running then, with one more attempt. Of one call in one namespace one job runs at a
        time. A job whose lease ran out is due again; if it was asked to stop it is cancelled
        instead, and after `max_attempts` it is dead with the error LOST.
        """
        ...

    def renew(
        self, claim: Claim, lease: float, progress: tuple[int, int] | None = None
    ) -> Job[Any] | None:
        """Hold on to a job for `lease` seconds from now; None if it is no longer held."""
        ...

    def finish(self, claim: Claim, result: Any) -> bool:
        """Done, with a result that is JSON; False (and nothing happens) if it is no longer held."""
        ...

    def fail(self, claim: Claim, error: Mapping[str, Any], delay: float | None) -> bool:
        """To be tried again in `delay` seconds, or dead if that is None or `max_attempts` are used
        up; cancelled if it was asked to stop. False if it is no longer held."""
        ...

    def release(self, claim: Claim) -> bool:
        """Give it back unfinished: cancelled if it was asked to stop, else due at once, and this
        attempt does not count. False if it is no longer held."""
        ...

    def cancel(self, id: str) -> Job[Any] | None:
        """Cancel a waiting or dead job, ask a running one to stop, leave another as it is."""
        ...

    def retry(self, id: str) -> Job[Any] | None:
        """A dead job is due at once, with all its attempts before it; another stays as it is."""
        ...

    def get(self, id: str) -> Job[Any] | None:
        """One by id."""
        ...

    def list(
        self,
        scope: str | None,
        *,
        calls: Sequence[str] | None = None,
        state: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> builtins.list[Job[Any]]:
        """The newest first: those of a namespace and below, or all with those of the whole store.

        `before` is the id of the last job of the page before; a limit below 0 means all.
        """
        ...

    def sweep(self, done: float, dead: float) -> builtins.list[str]:
        """Delete what has been done or cancelled, or dead, for longer than so many seconds; ids."""
        ...
