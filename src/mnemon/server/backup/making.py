"""Making a backup: first the store's moment, then the files beside it, each of them whole."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from mnemon import __version__
from mnemon.server.audit.file import beside as audit_of
from mnemon.server.backup import manifest
from mnemon.server.backup.manifest import Manifest
from mnemon.server.keys.file import place as keys_of
from mnemon.store.sqlite import backup


def make(store: Path, to: Path) -> Manifest:
    """Write a backup of a store, with a name only when it is whole; gzipped if it ends in .gz.

    The store is of one moment. Keys and audit log are read after it, so they may be newer by what
    happened in between, never older.

    Raises:
        StoreError: the store cannot be read, or the file cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as folder:
        staged = Path(folder)
        moment = backup.copy(store, staged / "store.db")
        _copy_blobs(store, staged, moment.blobs)
        _copy_beside(store, staged)
        files = sorted(path for path in staged.rglob("*") if path.is_file())
        members = [manifest.measured(str(path.relative_to(staged)), path) for path in files]
        told = Manifest(
            manifest.FORMAT, datetime.now(UTC).isoformat(), __version__, moment.store,
            moment.sequence, moment.stamp, moment.cubes, moment.tombstones, tuple(members),
        )  # fmt: skip
        with _written(to) as file, tarfile.open(fileobj=file, mode="w|") as tar:
            head = tarfile.TarInfo(manifest.NAME)
            head.size = len(told.written())
            tar.addfile(head, io.BytesIO(told.written()))
            for path in files:
                tar.add(path, str(path.relative_to(staged)), filter=_anonymous)
    return told


def _copy_blobs(store: Path, staged: Path, names: tuple[str, ...]) -> None:
    gone = set()
    folder = store.with_name(f"{store.name}-blobs")
    for name in names:
        (staged / "blobs").mkdir(exist_ok=True)
        try:
            shutil.copyfile(folder / name, staged / "blobs" / name)
        except FileNotFoundError:
            gone.add(name)
    if gone:
        backup.leave_out(staged / "store.db", gone)


def _copy_beside(store: Path, staged: Path) -> None:
    keys, log = keys_of(store), audit_of(store)
    if keys.exists():
        shutil.copyfile(keys, staged / "keys.json")  # it is replaced whole, never written in
    if not log.files():
        return
    (staged / "audit").mkdir()
    with log.frozen():
        for path in (*log.files(), log.head_path):
            # Without the store's name: it may be restored under another.
            shutil.copyfile(path, staged / "audit" / path.name.removeprefix(f"{store.name}-"))


@contextmanager
def _written(to: Path) -> Iterator[IO[bytes]]:
    partial = to.with_name(f".{to.name}.{os.getpid()}.partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            if to.suffix in (".gz", ".tgz"):
                with gzip.GzipFile(fileobj=file, mode="wb", filename="", compresslevel=6) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(to)
    finally:
        partial.unlink(missing_ok=True)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    # Who made the backup on which machine is nobody's business.
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member
