"""Restoring a backup: into a new store, or only to see whether it could be."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mnemon.errors import InvalidInput, StoreCorrupt
from mnemon.server.audit.file import beside as audit_of
from mnemon.server.audit.verifying import verify as verify_audit
from mnemon.server.backup import manifest
from mnemon.server.backup.manifest import Manifest
from mnemon.server.keys.file import place as keys_of
from mnemon.store import open_store
from mnemon.store.sqlite import backup


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup that was unpacked and looked at; a sound one has no problems."""

    manifest: Manifest
    problems: tuple[str, ...]


def verify(path: Path) -> Checked:
    """Unpack a backup beside itself, check its digests, its store and its audit log, and remove
    what was unpacked.

    Raises:
        StoreCorrupt: it is no backup, or not whole.
    """
    with unpacked(path, path.parent) as (told, folder):
        store = folder / "store.db"
        _arrange(folder, store)
        # The store alone: the places of its artifacts are those of the living one.
        with closing(open_store(str(store))) as opened:
            problems = [f"{one.rule}: {one.what}" for one in opened.fsck(repair=False)]
        problems += [f"audit log: {one}" for one in verify_audit(audit_of(store)).problems]
        return Checked(told, tuple(problems))


def restore(path: Path, store: Path) -> Manifest:
    """Make a new store of a backup, with its keys, quotas, retention and audit log.

    Raises:
        InvalidInput: there is something at `store` already.
        StoreCorrupt: it is no backup, or not whole; nothing was made.
    """
    taken = [one for one in _names(store) if one.exists()]
    if taken:
        raise InvalidInput(f"{taken[0]} is there already: restore to a new path")
    with unpacked(path, store.parent) as (told, folder):
        staged = folder / store.name
        (folder / "store.db").rename(staged)
        _arrange(folder, staged)
        for one, to in zip(_names(staged), _names(store), strict=True):
            if one.exists() and one != staged:
                one.rename(to)
        for one in audit_of(staged).files():  # the older ones, whose names have numbers
            one.rename(store.with_name(one.name))
        staged.rename(store)  # last: a store is there only when all of it is
    return told


@contextmanager
def unpacked(path: Path, where: Path) -> Iterator[tuple[Manifest, Path]]:
    """A backup's manifest, and a folder with its members, every digest checked."""
    with tempfile.TemporaryDirectory(dir=where, prefix=f".{path.name}.") as folder:
        try:
            with tarfile.open(path) as tar:
                told = _first(tar, path)
                for member in told.members:
                    _take(tar, member, Path(folder), path)
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            if isinstance(error, FileNotFoundError) and not path.exists():
                raise InvalidInput(f"there is no file {path}") from error
            raise StoreCorrupt(f"{path} is no whole backup ({error}): use another") from error
        yield told, Path(folder)


def _first(tar: tarfile.TarFile, path: Path) -> Manifest:
    head = tar.next()
    file = None if head is None or head.name != manifest.NAME else tar.extractfile(head)
    if file is None:
        raise StoreCorrupt(f"{path} is no backup of Mnemon's: it has no manifest")
    return manifest.read(file.read(), path)


def _take(tar: tarfile.TarFile, member: manifest.Member, folder: Path, path: Path) -> None:
    # Names are checked by the manifest and contents copied: nothing else of a tar is believed.
    try:
        source = tar.extractfile(member.name)
    except KeyError:
        source = None
    if source is None:
        raise StoreCorrupt(f"{path} lacks its member {member.name}: use another backup")
    target = folder / member.name
    target.parent.mkdir(exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(source, file)
        os.fsync(file.fileno())
    if manifest.measured(member.name, target) != member:
        raise StoreCorrupt(f"{path}: member {member.name} differs from its digest: use another")


def _arrange(folder: Path, store: Path) -> None:
    """Put the members where the store looks for them."""
    backup.settle(store)
    if (folder / "keys.json").exists():
        (folder / "keys.json").rename(keys_of(store))
    if (folder / "blobs").exists():
        (folder / "blobs").rename(store.with_name(f"{store.name}-blobs"))
    for one in sorted((folder / "audit").glob("*")):
        one.rename(store.with_name(f"{store.name}-{one.name}"))


def _names(store: Path) -> list[Path]:
    log = audit_of(store)
    beside = [store.with_name(f"{store.name}{end}") for end in ("-wal", "-shm", "-blobs")]
    return [store, *beside, keys_of(store), log.head_path, log.path]
