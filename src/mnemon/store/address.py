"""Addresses of stores: a file, `:memory:`, or a database's URL, which may hold a password."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_SCHEMES = ("postgresql://", "postgres://")
_SECRET = ("password", "sslpassword")


def is_database(address: str) -> bool:
    """Whether an address is the URL of a PostgreSQL database, and no file."""
    return address.startswith(_SCHEMES)


def shown(address: str) -> str:
    """An address as it may be printed: without passwords."""
    if not is_database(address):
        return address
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    given = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([pair for pair in given if pair[0] not in _SECRET], quote_via=quote)
    place = f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"
    return f"{place}?{query}" if query else place


def beside(address: str) -> Path:
    """What the files beside a store (keys, uploads) are named after: the store's own file, or one
    in the user's data folder that stands for a database."""
    if not is_database(address):
        return Path(address)
    from platformdirs import user_data_path

    parts = urlsplit(shown(address))
    place = f"{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}"
    name = re.sub(r"[^\w.-]+", "-", f"{parts.hostname or 'local'}{parts.path}").strip("-")
    digest = hashlib.sha256(place.encode()).hexdigest()[:8]
    return user_data_path("mnemon", ensure_exists=True) / f"postgresql-{name}-{digest}"
