"""Addresses of stores: a file, `:memory:`, or a database's URL, which may hold a password."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote

from mnemon.errors import InvalidInput

_SCHEMES = ("postgresql://", "postgres://")
_SERVED = ("http://", "https://")
_SECRET = ("password", "sslpassword")


def default_path() -> Path:
    """The user's own store, `memory.db` in the platform's user-data folder."""
    from platformdirs import user_data_path

    return user_data_path("mnemon", ensure_exists=True) / "memory.db"


def is_database(address: str) -> bool:
    """Whether an address is the URL of a PostgreSQL database, and no file."""
    return address.startswith(_SCHEMES)


def is_server(address: str) -> bool:
    """Whether an address is that of a `mnemon serve`, and no store's own."""
    return address.startswith(_SERVED)


def shown(address: str) -> str:
    """An address as it may be printed: without passwords.

    Raises:
        InvalidInput: a character in it makes it unclear what of it is the password.
    """
    if not is_database(address):
        return address
    scheme, user, host, path, query = _parts(address)
    kept = [one for one in query.split("&") if unquote(one.partition("=")[0]) not in _SECRET]
    told = f"{scheme}://{user}{'@' if user else ''}{host}{path}"
    return f"{told}?{'&'.join(kept)}" if query and kept else told


def _parts(address: str) -> tuple[str, str, str, str, str]:
    """(scheme, user, hosts with ports, path, query), taken apart as libpq does."""
    scheme, _, rest = address.partition("://")
    authority, slash, after = rest.partition("/")
    if not slash:
        authority, mark, after = rest.partition("?")
        after = mark + after
    path, _, query = after.partition("?")
    user, _, host = authority.rpartition("@")
    if "@" in user or "@" in path:
        raise InvalidInput(
            "the database's address has an '@' or '/' that does not stand between its parts: "
            "write those of a password as %40 and %2F"
        )
    return scheme, user.partition(":")[0], host, slash + path, query


def beside(address: str) -> Path:
    """What the files beside a store (keys, uploads) are named after: the store's own file, or one
    in the user's data folder (which may not be there yet) that stands for a database.

    Raises:
        InvalidInput: `.`, `/` or the like, which can only be folders.
    """
    if not is_database(address):
        if not Path(address).name:
            raise InvalidInput(f"{address!r} is a folder: name a file in it, such as memory.db")
        return Path(address)
    from platformdirs import user_data_path

    _, _, host, path, query = _parts(shown(address))
    name = re.sub(r"[^\w.-]+", "-", f"{host or 'local'}{path}").strip("-")
    digest = hashlib.sha256(f"{host}{path}?{query}".encode()).hexdigest()[:8]
    return user_data_path("mnemon") / f"postgresql-{name[:80]}-{digest}"
