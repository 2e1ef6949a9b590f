"""What `mnemon doctor` looks at: each finding is a name, what was found, and whether it will do."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mnemon import __version__, methods
from mnemon.cli.requirements import requirements
from mnemon.errors import MnemonError
from mnemon.methods import slots
from mnemon.store.address import is_database, is_server, shown

_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `ok` is None for what is optional and not there."""

    part: str
    name: str
    found: str
    ok: bool | None = True


def findings(address: str, api_key: str | None = None) -> list[Finding]:
    """All of them, for the store at an address; the key is for a server's."""
    store = _store(address, api_key)
    return [*_system(), *_packages(), *store, *_environment(), *_methods()]


def _system() -> Iterator[Finding]:
    yield Finding("system", "mnemon", __version__)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("system", "python", found, sys.version_info >= _PYTHON)
    yield Finding(
        "system", "sqlite", sqlite3.sqlite_version, sqlite3.sqlite_version_info >= (3, 38)
    )
    full_text = _full_text()
    told = "available" if full_text else "missing: use a Python whose SQLite has full-text search"
    yield Finding("system", "sqlite FTS5", told, full_text)


def _full_text() -> bool:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
        return True
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()


def _packages() -> Iterator[Finding]:
    for one in requirements():
        part = "extras" if one.extra else "packages"
        name = (
            f"{one.extra}: {one.package}" if one.extra and one.extra != one.package else one.package
        )
        if one.met:
            yield Finding(part, name, one.found or "")
            continue
        have = f"{one.found}, too old" if one.found else "missing"
        wanted = f"'mnemon[{one.extra}]'" if one.extra else f"'{one.package}>={one.least}'"
        yield Finding(part, name, f"{have}: pip install {wanted}", None if one.extra else False)


def _store(address: str, api_key: str | None) -> Iterator[Finding]:
    yield Finding("store", "path", shown(address))
    if is_server(address):
        yield _served(address, api_key)
        return
    if not is_database(address) and not Path(address).exists():
        yield Finding("store", "state", "not made yet: the first `mnemon add` makes it", None)
        return
    try:
        yield from _opened(address)
    except MnemonError as error:
        yield Finding("store", "state", str(error), False)


def _served(address: str, api_key: str | None) -> Finding:
    from mnemon.memory import Memory

    try:
        with Memory(address, api_key=api_key) as memory:
            spaces = memory.namespaces()
    except MnemonError as error:
        return Finding("store", "server", str(error), False)
    cubes = sum(count for _, count in spaces)
    return Finding("store", "server", f"answers; cubes that can be reached: {cubes:,}")


def _opened(address: str) -> Iterator[Finding]:
    from mnemon.store import open_store

    store = open_store(address, read_only=True)
    try:
        size = store.size()
        counts = ("cubes", "versions", "namespaces", "links", "artifacts")
        yield Finding("store", "holds", ", ".join(f"{size[name]:,} {name}" for name in counts))
        total = size["file_bytes"] + size["log_bytes"] + size["artifact_bytes"]
        yield Finding("store", "size", f"{total / 1e6:,.1f} MB")
        space = store.active_space()
        yield Finding("store", "space", space.name if space else "no vectors yet")
    finally:
        store.close()
    if not is_database(address):
        yield Finding("store", "layout", _layout(Path(address)))


def _layout(path: Path) -> str:
    from mnemon.store.sqlite.migrate import scripts

    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        (number,) = connection.execute("PRAGMA user_version").fetchone()
    finally:
        connection.close()
    return f"{number} (this Mnemon knows up to {len(scripts())})"


def _environment() -> Iterator[Finding]:
    for name, value in sorted(os.environ.items()):
        if name.startswith("MNEMON_"):
            secret = any(word in name for word in _SECRET)
            yield Finding("environment", name, "(set, not shown)" if secret else shown(value))


def _methods() -> Iterator[Finding]:
    for slot in slots():
        names = methods.names(slot)
        yield Finding("methods", slot, ", ".join(names) or "none", True if names else None)
