"""Places where bytes of artifacts may lie: folders of a host, and URLs that every host reaches."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from mnemon.errors import StoreError
from mnemon.identity import new_id
from mnemon.store import Store
from mnemon.store.rows import Place

_MARK = ".mnemon-place"
_FILE = "file://"


def add(store: Store, address: str | Path) -> Place:
    """Tell a store that bytes of its artifacts may lie in a folder, or under a URL.

    A folder is made if it is not there, and marked, so that it is known again whatever its host is
    called: in another container, or mounted elsewhere under the same path.

    Raises:
        StoreError: the folder cannot be made or written.
    """
    told = str(address)
    folder = folder_of(told)
    if folder is None:
        known = [one for one in store.places() if one.host is None and one.address == told]
        return known[0] if known else store.add_place(told, None, "")
    if not told.startswith(_FILE):
        told = str(folder.absolute())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = _marked(folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot hold artifacts: {error}") from error
    for one in store.places():
        if one.address == told and (one.mark == mark or one.host == socket.gethostname()):
            return one if one.mark == mark else store.add_place(told, one.host, mark)
    return store.add_place(told, socket.gethostname(), mark)


def folder_of(address: str) -> Path | None:
    """The folder that an address names; None for a URL."""
    if address.startswith(_FILE):
        return Path(address.removeprefix(_FILE))
    return None if "://" in address else Path(address)


def local(place: Place) -> bool:
    """Whether it is a folder that this process reaches: one of this host, or one with its mark."""
    folder = folder_of(place.address)
    if folder is None:
        return False
    with suppress(OSError):
        if (folder / _MARK).read_text("ascii") == place.mark:
            return True
    return place.host == socket.gethostname()


def reached(place: Place) -> bool:
    """Whether it may be reached from here: always, for a URL, until it is tried."""
    return place.host is None or local(place)


def shown(place: Place) -> str:
    """As it may be printed: with its host, without a password."""
    if place.host is not None:
        return f"{place.host}:{place.address}"
    scheme, _, rest = place.address.partition("://")
    authority, slash, path = rest.partition("?")[0].partition("/")
    user, at, host = authority.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{host}{slash}{path}"


def _marked(folder: Path) -> str:
    mark = folder / _MARK
    if not mark.exists():
        draft = folder / f"{_MARK}-{new_id()}"
        draft.write_text(new_id(), "ascii")
        with suppress(FileExistsError):  # another process was faster: both take its word
            os.link(draft, mark)
        draft.unlink()
    return mark.read_text("ascii")
