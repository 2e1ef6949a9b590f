"""Deleting and listing blobs in a folder without reading one: needs neither torch nor a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mnemon.errors import InvalidInput


def delete(place: str, keys: Iterable[str]) -> int:
    """Remove blobs from a place; how many there were."""
    folder, gone = _folder(place), 0
    for key in keys:
        file = folder / key[:2] / f"{key}.safetensors"
        if file.exists():
            file.unlink()
            gone += 1
    return gone


def keys(place: str) -> Iterator[str]:
    """Keys of the blobs in a place."""
    for file in _folder(place).glob("??/*.safetensors"):
        yield file.stem


def _folder(place: str) -> Path:
    if "://" in place:
        raise InvalidInput(f"{place} is no folder")
    return Path(place)
