"""Withholding a namespace from weights: nothing of it becomes an adapter or a latent state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon import namespace as paths
from mnemon.removal import carry_out

if TYPE_CHECKING:
    from mnemon.store import Store


def withhold(store: Store, namespace: str) -> int:
    """Withhold a namespace, and all below it, from weights; how many artifacts were dropped that
    any of its cubes had gone into.

    Raises:
        InvalidNamespace: it is no path.
    """
    gone = store.withhold(paths.check(namespace))
    carry_out(store, gone)
    return len(gone)
