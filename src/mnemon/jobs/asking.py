"""Jobs: calls that go on in the background, and what became of them."""

from __future__ import annotations

import builtins
import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon import portable
from mnemon.errors import ImportFailed, InvalidInput, KeyReused, NotFound
from mnemon.identity import new_id
from mnemon.job import STATES, Job
from mnemon.jobs.calls import check_calls, revived
from mnemon.jobs.crew import Crew
from mnemon.jobs.pauses import pauses
from mnemon.jobs.worker import Told, Worker
from mnemon.portable import ImportReport
from mnemon.store import Store, uploads
from mnemon.store.queue import NewJob
from mnemon.store.rows import Problem

if TYPE_CHECKING:
    from mnemon.memory import Memory

_LONGEST_KEY = 255


class Jobs:
    """The background work of a memory: `memory.jobs`.

    `reflect`, `reindex`, `fsck`, `compile` and `import_` mean what they mean in `Memory`;
    `schedule` carries out a plan of the scheduler. They give a `Job`: as it is after at most `wait`
    seconds, so that `wait=0` does not wait at all. `key` is an idempotency key: asking again with
    it in the same namespace gives the job that is there, asking for something else KeyReused.

    The first of them starts a thread that works while the memory is open; what is not finished then
    goes on wherever the store is served or its jobs are run.
    """

    def __init__(self, memory: Memory, store: Store, crew: Crew) -> None:
        self._memory = memory
        self._store = store
        self._crew = crew

    def reflect(
        self, *, namespace: str | None = None, wait: float = 0.0, key: str | None = None
    ) -> Job[int]:
        """Run the program's maintenance; the result is how many proposals were carried out."""
        return self._ask("reflect", self._scope(namespace), {}, wait, key)

    def reindex(
        self,
        embedder: str | None = None,
        *,
        keep: bool = False,
        wait: float = 0.0,
        key: str | None = None,
    ) -> Job[int]:
        """Move the store to another embedder, by its name; the result is how many vectors were
        written.

        Raises:
            InvalidInput: an object instead of a name, which no other process could use.
        """
        if embedder is not None and not isinstance(embedder, str):
            raise InvalidInput("name an embedder: a job may be carried out by another process")
        return self._ask("reindex", None, {"embedder": embedder, "keep": keep}, wait, key)

    def fsck(
        self, *, repair: bool = False, wait: float = 0.0, key: str | None = None
    ) -> Job[builtins.list[Problem]]:
        """Check every promise of the store; the result is what is wrong. It has no steps, so it
        cannot be cancelled once it runs."""
        return self._ask("fsck", None, {"repair": repair}, wait, key)

    def compile(
        self,
        selection: str | Sequence[str] | Mapping[str, Any],
        model: str,
        form: str = "kv",
        *,
        policy: str | None = None,
        to: str | None = None,
        alias: str = "current",
        namespace: str | None = None,
        wait: float = 0.0,
        key: str | None = None,
    ) -> Job[dict[str, int]]:
        """Compile cubes to a form of a model's; the result is how many were `compiled`, `fresh`
        already, and `skipped`. See `Memory.compile`.

        Args:
            selection: ids, or `{}` for all of the namespace, or `{"kind": …}`.
            model, policy, to: by name, since another process may carry it out.

        Raises:
            InvalidInput: an object instead of a name, or a selection by what cubes say or by whom.
            NotFound: a cube that was purged.
        """
        check_named(model, policy, to)
        filters, cubes = selected(selection)
        told = {
            "selection": filters, "model": model, "form": form, "policy": policy, "to": to,
            "alias": alias,
        }  # fmt: skip
        return self._ask("compile", self._scope(namespace), told, wait, key, cubes=cubes)

    def schedule(
        self,
        model: str | None = None,
        *,
        to: str | None = None,
        remote: str | None = None,
        namespace: str | None = None,
        wait: float = 0.0,
        key: str | None = None,
    ) -> Job[dict[str, int]]:
        """Carry out what the scheduler decides for a namespace, within the budgets that the store
        keeps (docs/scheduling.md); the result is how many decisions were `done`, and `left`.

        Args:
            model: by name, as of `Memory.compile`; without one nothing is compiled or trained.
            to, remote: places of keys and values, as of `mnemon.schedule.plan`.

        Raises:
            InvalidInput: an object instead of a name, which no other process could use.
        """
        if not all(one is None or isinstance(one, str) for one in (model, to, remote)):
            raise InvalidInput(
                "name a model and places: a job may be carried out by another process"
            )
        told = {"model": model, "to": to, "remote": remote}
        return self._ask("schedule", self._scope(namespace), told, wait, key)

    def import_(
        self,
        /,
        path: str | Path,
        format: str | None = None,
        *,
        namespace: str | None = None,
        wait: float = 0.0,
        key: str | None = None,
        **options: Any,
    ) -> Job[ImportReport]:
        """Read a portable file or a history into this memory; the result is the report, which says
        where malformed entries are and not what they say.

        The file is read when the job runs. One that lies among the store's uploads is moved to the
        job's own, and goes with it.

        Raises:
            ImportFailed: there is no such file.
        """
        file = Path(path).absolute()
        if not file.exists():
            raise ImportFailed(f"cannot open {file}: there is no such file")
        if format is None and file.is_file() and portable.is_portable(file):
            format = "mnemon"
        scope = None if format == "mnemon" else self._scope(namespace)
        folder = self._store.uploads
        upload = folder is not None and folder.absolute() in file.parents
        told = {
            "path": file.name if upload else str(file), "upload": upload, "format": format,
            "options": options,
        }  # fmt: skip
        if key is not None:  # the same name may be another file's
            told["sha256"] = _digest(file)
        return self._ask("import", scope, told, wait, key, file if upload else None)

    def get(self, id: str, *, wait: float = 0.0) -> Job[Any]:
        """A job, as soon as it is finished and after `wait` seconds at the latest.

        Raises:
            NotFound: there is no such job, or not any more.
        """
        job = self._found(id, self._store.queue.get(id))
        for pause in pauses(wait):
            if job.finished:
                break
            time.sleep(pause)
            job = self._found(id, self._store.queue.get(id))
        return revived(job)

    def list(
        self,
        *,
        namespace: str | None = None,
        state: str | None = None,
        call: str | Sequence[str] | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> builtins.list[Job[Any]]:
        """Jobs of a namespace and below (None: all of the store's), the newest first.

        `state` is one of waiting, running, done, dead, cancelled; `call` one call or several;
        `before` the id of the last job of the page before.

        Raises:
            InvalidInput: no such state, or a call that makes no jobs.
        """
        if state is not None and state not in STATES:
            raise InvalidInput(f"{state!r} is no state of a job: say one of {', '.join(STATES)}")
        scope = None if namespace is None else paths.check(namespace)
        calls = [call] if isinstance(call, str) else call
        check_calls(calls or ())
        found = self._store.queue.list(scope, calls=calls, state=state, before=before, limit=limit)
        return [revived(job) for job in found]

    def cancel(self, id: str) -> Job[Any]:
        """Cancel a job: at once if it waits or is dead, at the next step of its work if it runs.
        One that is done stays done.

        Raises:
            NotFound: there is no such job.
        """
        job = self._found(id, self._store.queue.cancel(id))
        if job.state == "cancelled":
            uploads.drop(self._store.uploads, [id])
        return revived(job)

    def retry(self, id: str) -> Job[Any]:
        """Put a dead job back into the queue, with all its attempts before it.

        Raises:
            NotFound: there is no such job.
            InvalidInput: it is not dead.
        """
        job = self._found(id, self._store.queue.get(id))
        if job.state != "dead":
            raise InvalidInput(f"job {id} is {job.state}: only a dead one can be tried again")
        job = self._found(id, self._store.queue.retry(id))
        self._crew.wake()
        return revived(job)

    def run(self, told: Told | None = None) -> builtins.list[Job[Any]]:
        """Carry out here what is due, until nothing is; how each was left, also as it happens to
        `told`."""
        worker, left = Worker(self._memory, self._store, told=told), []
        while (job := worker.step()) is not None:
            left.append(revived(job))
        worker.tidy()
        return left

    def start(self, workers: int = 1, told: Told | None = None) -> None:
        """Work in the background from now on, also on what others left; 0 keeps this process from
        ever doing so. What was started before stays as it is."""
        self._crew.start(workers, lambda: Worker(self._memory, self._store, told=told))

    def _scope(self, namespace: str | None) -> str:
        return self._memory.namespace if namespace is None else paths.check(namespace)

    def _ask(
        self,
        call: str,
        scope: str | None,
        options: Mapping[str, Any],
        wait: float,
        key: str | None,
        upload: Path | None = None,
        cubes: tuple[str, ...] = (),
    ) -> Job[Any]:
        check_key(key)
        id, folder = new_id(), self._store.uploads
        if upload is not None and folder is not None:
            upload.replace(uploads.place(folder, id, upload.name))
        new = NewJob(id, call, scope, self._memory.actor, options, cubes=cubes, key=key)
        job = self._store.queue.enqueue(new)
        if job.id != id:
            uploads.drop(folder, [id])
            if (job.call, job.options, job.cubes) != (call, dict(options), cubes):
                raise KeyReused(str(key), job.id, "another job")
        self.start()
        self._crew.wake()
        return self.get(job.id, wait=wait)

    def _found(self, id: str, job: Job[Any] | None) -> Job[Any]:
        if job is None:
            raise missing(id)
        return job


def check_named(*told: object) -> None:
    """Raise InvalidInput for a model, a policy or a place that no other process could use."""
    if not all(one is None or isinstance(one, str) for one in told):
        raise InvalidInput(
            "name a model, a policy and a place: a job may be carried out by another process"
        )


def selected(
    selection: str | Sequence[str] | Mapping[str, Any],
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a job keeps of a selection: filters, and ids.

    Raises:
        InvalidInput: it chooses by what cubes say or by whom, or nothing.
    """
    if isinstance(selection, Mapping):
        if selection.keys() - {"kind"}:
            raise InvalidInput(
                f"a job keeps ids and kinds, not {', '.join(sorted(selection.keys() - {'kind'}))}: "
                "give the ids of what list() or search() finds"
            )
        return dict(selection), ()
    cubes = tuple(sorted({*([selection] if isinstance(selection, str) else selection)}))
    if not cubes:
        raise InvalidInput("there are no ids to compile: give some, or {} for all")
    return {}, cubes


def _digest(file: Path) -> str | None:
    if not file.is_file():
        return None
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def check_key(key: str | None) -> None:
    """Raise InvalidInput for a job's key that could not be sent in a header."""
    fits = key is None or (key.isascii() and key.isprintable() and 0 < len(key) <= _LONGEST_KEY)
    if not fits:
        raise InvalidInput(
            f"a job's key is 1 to {_LONGEST_KEY} printable ASCII characters, not {key!r:.80}"
        )


def missing(id: str) -> NotFound:
    """The error for a job that is not there, or not for this caller."""
    return NotFound(
        f"there is no job {id}: jobs that are done are deleted after a day, and jobs go with a "
        "purge of what they are about"
    )
