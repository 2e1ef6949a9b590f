"""Who in this process keeps something of artifacts in memory, and is told when they are deleted."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from mnemon.store import Store

Watcher = Callable[[Sequence[str]], object]
_watchers: dict[str, list[weakref.ref[Any]]] = {}


def watch(store: Store, callback: Watcher) -> None:
    """Call it with the keys of artifacts whenever some of this store are deleted in this process,
    through whatever memory; it is held weakly, so keep it."""
    told = _name(store)
    if told not in _watchers and told != store.address:
        weakref.finalize(store, _watchers.pop, told, None)
    held = weakref.WeakMethod(callback) if inspect.ismethod(callback) else weakref.ref(callback)
    alive = [ref for ref in _watchers.get(told, ()) if ref() is not None]
    _watchers[told] = [*alive, held]


def tell(store: Store, keys: Sequence[str]) -> None:
    """Tell all that watch; the first error of one is raised when every one was told."""
    errors = []
    for ref in _watchers.get(_name(store), ()):
        callback = ref()
        if callback is not None:
            try:
                callback(keys)
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
    if errors:
        raise errors[0]


def _name(store: Store) -> str:
    volatile = store.address == ":memory:"
    return f":memory:{id(store)}" if volatile else store.address
