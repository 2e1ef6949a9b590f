"""The truth: where cubes live. `open_store` picks the store for an address."""

from __future__ import annotations

from mnemon.store.protocol import Store


def open_store(
    address: str,
    *,
    read_only: bool = False,
    timeout: float = 30.0,
    max_bytes: int | None = None,
) -> Store:
    """The store at `address`: a file path, or `:memory:` for a volatile one."""
    from mnemon.store.sqlite import SQLiteStore

    return SQLiteStore(address, read_only=read_only, timeout=timeout, max_bytes=max_bytes)


__all__ = ["Store", "open_store"]
