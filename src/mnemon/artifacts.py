"""Artifacts: forms compiled from cubes. Made, opened, swept; never served stale.

An artifact's key is a digest of everything that decides its content. Whether it is fresh is a join
over its sources, done when it is opened: no message has to arrive for a stale one to be refused.
"""

from __future__ import annotations

import builtins
import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mnemon import namespace as paths
from mnemon import places, watching
from mnemon.cube import MemCube
from mnemon.errors import InvalidInput, NotFound, StaleArtifact, StoreCorrupt
from mnemon.instant import from_micros
from mnemon.removal import carry_out
from mnemon.store.protocol import Store
from mnemon.store.rows import ArtifactRow
from mnemon.watching import Watcher

INSIDE = 65_536
"""Payloads up to this many bytes live in the database, larger ones in a file beside it."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled form. `sources` are (cube id, version) in the order they went in; `fresh` was
    true when this was read. `header` is JSON data: the maker's options, shapes and figures.
    `parent` is the key of the artifact that it continues: a stale one makes it stale too.
    `elsewhere`: its bytes lie in places (folders, remote stores), not in the store or beside it."""

    key: str
    form: str
    namespace: str
    method: str
    model: str | None
    sources: tuple[tuple[str, int], ...]
    header: Mapping[str, Any]
    size: int
    created_at: datetime
    fresh: bool
    payload: bytes | None = None
    parent: str | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class PlaceStatus:
    """A place where bytes of artifacts may lie: its address (of a folder with its host), whether
    this process may reach it, and how many deleted blobs wait to be removed from it."""

    address: str
    reached: bool
    waiting: int


def key_of(
    form: str,
    sources: Sequence[tuple[str, int]],
    method: str,
    model: str | None,
    options: Mapping[str, Any],
    salt: str = "",
) -> str:
    """The digest key: SHA-256, in hex, over a canonical JSON of everything that decides content.

    The same in every process. `salt` keeps tenants from sharing.
    """
    told = {
        "form": form, "sources": [list(source) for source in sources], "method": method,
        "model": model, "options": options, "salt": salt, "layout": 1,
    }  # fmt: skip
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class Artifacts:
    """The artifacts of one memory's namespace: `memory.artifacts`."""

    def __init__(self, store: Store, namespace: str, actor: str) -> None:
        self._store = store
        self._namespace = namespace
        self._actor = actor

    def derive(
        self,
        form: str,
        cubes: Sequence[MemCube],
        payload: bytes,
        *,
        method: str,
        model: str | None = None,
        options: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """Publish what was made from cubes; the artifact that is there if the key is known.

        Args:
            form: `embedding`, `summary`, `kv`, `adapter`, or your own word.
            cubes: the sources as they were read, in order.
            method: who made it, with its version (`methods.producer(instance)`).
            model: name and revision of the model it is bound to, if any.
            options: what decides the content beside sources, method and model.
            header: what else to keep: shapes, figures.

        Raises:
            StaleArtifact: a source changed while the artifact was being made.
            InvalidInput: no sources, or one outside this namespace.
        """
        if not cubes:
            raise InvalidInput("an artifact needs sources: what is not derived is a cube")
        sources = tuple((cube.id, cube.version) for cube in cubes)
        outside = [cube.id for cube in cubes if not paths.contains(self._namespace, cube.namespace)]
        if outside:
            raise InvalidInput(f"cube {outside[0]} is not in namespace {self._namespace!r}")
        key = key_of(form, sources, method, model, options or {}, self._namespace)
        with suppress(NotFound, StoreCorrupt):  # a damaged one is made again
            return self.open(key)
        blob = self._publish(key, payload) if len(payload) > INSIDE else None
        row = ArtifactRow(
            key=key,
            form=form,
            namespace=self._namespace,
            method=method,
            model=model,
            header=json.dumps({"options": dict(options or {}), **(header or {})}, sort_keys=True),
            size=len(payload),
            checksum=hashlib.sha256(payload).digest(),
            payload=None if blob else payload,
            blob=blob,
            created_at=0,
            sources=sources,
        )
        try:
            self._store.write_artifact(row, self._actor)
        except BaseException:
            self._withdraw(key, blob)
            raise
        return self.open(key)

    def _withdraw(self, key: str, blob: str | None) -> None:
        # A file that no row names would keep the content of a cube that may be purged.
        if blob is not None and self._store.blobs is not None:
            known = self._store.artifact(self._namespace, key)
            if known is None or known.blob != blob:
                (self._store.blobs / blob).unlink(missing_ok=True)

    def _publish(self, key: str, payload: bytes) -> str | None:
        # Written whole, synced, then renamed: a file with this name is always complete.
        if self._store.blobs is None:
            return None
        self._store.blobs.mkdir(exist_ok=True)
        target = self._store.blobs / key
        partial = target.with_suffix(f".{os.getpid()}-{threading.get_ident()}.partial")
        try:
            with partial.open("wb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        _sync_folder(target.parent)
        return target.name

    def open(self, key: str) -> Artifact:
        """An artifact with its payload, checked; without one if its bytes lie in places, where
        tiers find and check them.

        Raises:
            NotFound: no such artifact in this namespace.
            StaleArtifact: a source changed or was forgotten.
            StoreCorrupt: the payload is not what was written.
        """
        row = self._store.artifact(self._namespace, key)
        if row is None:
            raise NotFound(f"no artifact {key[:16]} in namespace {self._namespace!r}")
        if not row.fresh:
            raise StaleArtifact(key, self._store.stale_sources(key))
        if row.elsewhere:
            return _artifact(row)
        payload = row.payload if row.blob is None else self._read(row.blob)
        if payload is None or hashlib.sha256(payload).digest() != row.checksum:
            raise StoreCorrupt(f"artifact {key[:16]} is damaged: derive it again")
        return _artifact(row, payload)

    def _read(self, blob: str) -> bytes | None:
        file = (self._store.blobs or Path()) / blob
        return file.read_bytes() if file.exists() else None

    def list(
        self, form: str | None = None, cube: str | None = None, *, namespace: str | None = None
    ) -> list[Artifact]:
        """Artifacts of a namespace (the memory's own if None) without payloads, fresh and stale,
        oldest first."""
        scope = self._namespace if namespace is None else paths.check(namespace)
        return [_artifact(row) for row in self._store.artifacts(scope, form, cube)]

    def sweep(self) -> int:
        """Delete the stale ones, and what continues them, with their bytes; how many.

        What lies in a place that cannot be reached now waits to be removed (see `places`).
        """
        keys = self._store.sweep(self._namespace, self._actor)
        carry_out(self._store, keys)
        return len(keys)

    def drop(self, keys: Sequence[str]) -> int:
        """Delete artifacts of this namespace by their keys, fresh or not, and what continues them,
        with their bytes; how many went. Their cubes stay: they can be compiled again."""
        gone = self._store.drop_artifacts(self._namespace, keys, self._actor)
        carry_out(self._store, gone)
        return len(gone)

    def watch(self, callback: Watcher) -> None:
        """Call it with their keys whenever artifacts of the store are deleted in this process, to
        drop what is kept of them in memory. It is held weakly: keep it yourself."""
        watching.watch(self._store, callback)

    def places(self) -> builtins.list[PlaceStatus]:
        """The folders and remote stores where bytes of this store's artifacts may lie, and how many
        deleted ones wait to be removed there."""
        waiting = Counter[int]()
        for one in self._store.waiting():
            waiting[one.place.num] += len(one.keys)
        return [
            PlaceStatus(places.shown(one), places.reached(one), waiting[one.num])
            for one in self._store.places()
        ]

    def leave(self, address: str) -> int:
        """Say that a place is no more (a disk that was thrown away, a host that is gone): what
        waits to be removed there is given up; how many blobs that were.

        Raises:
            NotFound: the store has no such place.
        """
        for one in self._store.places():
            if address in (one.address, places.shown(one)):
                return self._store.leave_place(one)
        raise NotFound(f"the store has no place {address!r}: `artifacts.places()` lists them")


def _artifact(row: ArtifactRow, payload: bytes | None = None) -> Artifact:
    return Artifact(
        key=row.key,
        form=row.form,
        namespace=row.namespace,
        method=row.method,
        model=row.model,
        sources=row.sources,
        header=json.loads(row.header),
        size=row.size,
        created_at=from_micros(row.created_at),
        fresh=row.fresh,
        payload=payload,
        parent=row.parent,
        elsewhere=row.elsewhere,
    )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
