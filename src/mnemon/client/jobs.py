"""The jobs of a server: each call means what it means in `Jobs`."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mnemon import namespace as paths
from mnemon.client.calls import quoted
from mnemon.client.connection import Connection, Request, Steps, one
from mnemon.errors import ImportFailed, InvalidInput
from mnemon.job import Job
from mnemon.jobs import Jobs
from mnemon.jobs.asking import check_key, check_named, selected
from mnemon.jobs.calls import revived
from mnemon.memory import Memory
from mnemon.portable import ImportReport
from mnemon.store.rows import Problem
from mnemon.wire.values import revive

_PAGE = 1000
_LONGEST_S = 300.0  # that a server waits in one request
_NOW = {"wait": 0}


class RemoteJobs(Jobs):
    """What `Memory(url).jobs` is."""

    def __init__(self, memory: Memory, connection: Connection) -> None:
        self._memory = memory
        self._connection = connection

    def reflect(
        self, *, namespace: str | None = None, wait: float = 0.0, key: str | None = None
    ) -> Job[int]:
        body = {"namespace": self._scope(namespace)}
        return self._begin("reflect", body, wait, key)

    def reindex(
        self,
        embedder: str | None = None,
        *,
        keep: bool = False,
        wait: float = 0.0,
        key: str | None = None,
    ) -> Job[int]:
        if embedder is not None and not isinstance(embedder, str):
            raise InvalidInput("name an embedder that the server has: an object cannot be sent")
        return self._begin("reindex", {"embedder": embedder, "keep": keep}, wait, key)

    def fsck(
        self, *, repair: bool = False, wait: float = 0.0, key: str | None = None
    ) -> Job[builtins.list[Problem]]:
        return self._begin("fsck", {"repair": repair}, wait, key)

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
        """See `Jobs.compile`; by a model that the server lets be used, to where it keeps them."""
        if to is not None:
            raise InvalidInput(
                "a server compiles to its own place (`mnemon serve --compile-to`): leave to= out"
            )
        check_named(model, policy)
        filters, cubes = selected(selection)
        body = {
            "namespace": self._scope(namespace), "selection": [*cubes] or filters, "model": model,
            "form": form, "policy": policy, "alias": alias,
        }  # fmt: skip
        return self._begin("compile", body, wait, key)

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
        """Not over HTTP: schedule beside the store, where the models and the places are."""
        raise InvalidInput(
            "the scheduler works beside the store, where models and places are, not over HTTP: "
            "`mnemon serve --schedule-every`, or memory.jobs of the store itself"
        )

    def import_(
        self,
        path: str | Path,
        format: str | None = None,
        *,
        namespace: str | None = None,
        wait: float = 0.0,
        key: str | None = None,
        **options: Any,
    ) -> Job[ImportReport]:
        query = upload_query(path, format, self._scope(namespace), options) | _NOW
        ask = Request(
            "POST", "import", Job, query=query, headers=_header(key), repeatable=key is not None,
            file=Path(path), wait=None,
        )  # fmt: skip
        return self._carry(_begun(ask, wait))

    def get(self, id: str, *, wait: float = 0.0) -> Job[Any]:
        return self._carry(_get(id, wait))

    def list(
        self,
        *,
        namespace: str | None = None,
        state: str | None = None,
        call: str | Sequence[str] | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> builtins.list[Job[Any]]:
        scope = None if namespace is None else paths.check(namespace)
        of = {"namespace": scope, "state": state, "call": call, "before": before}
        found: builtins.list[Job[Any]] = self._connection.carry(_pages(of, limit))
        return found

    def cancel(self, id: str) -> Job[Any]:
        ask = Request("DELETE", f"jobs/{quoted(id)}", Job, repeatable=True)
        return self._carry(one(ask))

    def retry(self, id: str) -> Job[Any]:
        return self._carry(one(Request("POST", f"jobs/{quoted(id)}/retry", Job, {})))

    def run(self, told: Any = None) -> builtins.list[Job[Any]]:
        raise InvalidInput("a server carries its jobs out itself: run `mnemon jobs run` beside it")

    def start(self, workers: int = 1, told: Any = None) -> None:
        raise InvalidInput("a server carries its jobs out itself: see `mnemon serve --workers`")

    def _begin(self, call: str, body: Mapping[str, Any], wait: float, key: str | None) -> Job[Any]:
        ask = Request(
            "POST", call, Job, body, _NOW, headers=_header(key), repeatable=key is not None
        )
        return self._carry(_begun(ask, wait))

    def _carry(self, steps: Steps[Job[Any]]) -> Job[Any]:
        job: Job[Any] = self._connection.carry(_revived(steps))
        return job


def upload_query(
    path: str | Path, format: str | None, scope: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """What an import asks in its address.

    Raises:
        InvalidInput: a folder. ImportFailed: no such file.
    """
    file = Path(path)
    if file.is_dir():
        raise InvalidInput(f"{file} is a folder, a server takes one file: send it as a zip file")
    if not file.is_file():
        raise ImportFailed(f"cannot open {file}: there is no such file")
    told = json.dumps(options) if options else None
    return {"namespace": scope, "format": format, "name": file.name, "options": told}


def _header(key: str | None) -> dict[str, str]:
    check_key(key)
    return {} if key is None else {"Idempotency-Key": key}


def _begun(ask: Request, wait: float) -> Steps[Job[Any]]:
    job = yield ask
    return job if wait <= 0 else (yield from _get(job.id, wait))


def _get(id: str, wait: float) -> Steps[Job[Any]]:
    while True:
        now = min(max(wait, 0.0), _LONGEST_S)
        job: Job[Any] = yield Request(
            "GET", f"jobs/{quoted(id)}", Job, query={"wait": now}, repeatable=True, wait=now
        )
        wait -= now
        if job.finished or wait <= 0:
            return job


def _pages(of: Mapping[str, Any], limit: int) -> Steps[list[Job[Any]]]:
    found: list[Job[Any]] = []
    cursor = None
    while limit < 0 or len(found) < limit:
        size = _PAGE if limit < 0 else min(_PAGE, limit - len(found))
        asked = {**of, "limit": size, "cursor": cursor}
        page = yield Request("GET", "jobs", dict, query=asked, repeatable=True)
        found += [revived(revive(Job, one)) for one in page["jobs"]]
        cursor = page["next"]
        if cursor is None:
            break
    return found


def _revived(steps: Steps[Job[Any]]) -> Steps[Job[Any]]:
    return revived((yield from steps))
