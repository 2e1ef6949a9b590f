"""The truth: where cubes live. `open_store` picks the store for an address."""

from __future__ import annotations

from mnemon.errors import InvalidInput
from mnemon.store.address import is_database
from mnemon.store.protocol import Store


def open_store(
    address: str,
    *,
    read_only: bool = False,
    timeout: float = 30.0,
    max_bytes: int | None = None,
) -> Store:
    """The store at `address`: a file path, `:memory:` for a volatile one, or a database's URL.

    Raises:
        MissingExtra: a database's URL, and no psycopg to open it with.
    """
    if is_database(address):
        return _database(address, read_only, timeout, max_bytes)
    from mnemon.store.sqlite import SQLiteStore

    return SQLiteStore(address, read_only=read_only, timeout=timeout, max_bytes=max_bytes)


def _database(address: str, read_only: bool, timeout: float, max_bytes: int | None) -> Store:
    from mnemon.models.extras import require

    if max_bytes is not None:
        raise InvalidInput("max_bytes= bounds a file: bound a database with the server's own means")
    for module, package in (("psycopg", "psycopg"), ("psycopg_pool", "psycopg-pool")):
        require(module, package, "postgres")
    from mnemon.store.postgres import PostgresStore

    return PostgresStore(address, read_only=read_only, timeout=timeout)


__all__ = ["Store", "open_store"]
