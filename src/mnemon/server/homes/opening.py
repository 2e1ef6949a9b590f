"""The home of a store, and opening it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from mnemon.server.homes import files
from mnemon.server.homes.home import Home
from mnemon.store import Store, open_store
from mnemon.store.address import beside, is_database


def of(store: Store) -> Home:
    """The home of a store that is open, for as long as it is."""
    if store.shared is None:
        return files.beside(beside(store.address))
    from mnemon.server.homes import database  # not above: it needs the extra `postgres`

    return database.within(store.shared)


@contextmanager
def opened(address: str) -> Iterator[Home]:
    """The home of a store; a file is not opened for it, nor made."""
    if not is_database(address):
        yield files.beside(beside(address))
        return
    with closing(open_store(address)) as store:
        yield of(store)
