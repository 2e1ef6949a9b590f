"""Index files: arrays in a folder that names the moment of the store they were made from.

A folder is written aside, its manifest last, and renamed into place; older ones then go. What was
damaged, cut short or made from another history of the store is not opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 3
_MAPPED = ("codes", "short")  # large, and any value in them is harmless: only their size is checked


@dataclass(frozen=True, slots=True)
class Saved:
    """What was in a folder: `told` is its JSON, `arrays` those of `_MAPPED` memory-mapped."""

    told: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]


class Files:
    """The saved indexes of one scope and embedding space, at most one of them complete."""

    def __init__(self, folder: Path, namespace: str, space: str) -> None:
        self._folder = folder
        key = json.dumps([namespace, space])
        self._name = hashlib.blake2b(key.encode(), digest_size=12).hexdigest()

    def save(
        self,
        told: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray | Callable[[str], None]],
        valid: Callable[[], bool],
    ) -> None:
        """Write everything (an array, or what writes one to a path) and drop what was before.

        Nothing is left of what is not `valid` any more. A disk that is full, or a folder that a
        purge takes away meanwhile, is no error: whoever opens the scope next builds again.
        """
        place = self._folder / f"{self._name}-{told['seq']:015d}"
        aside = self._folder / f"{self._name}.{os.getpid()}.partial"
        shutil.rmtree(aside, ignore_errors=True)
        try:
            aside.mkdir(parents=True)
            sums = {name: _written(aside / f"{name}.npy", one) for name, one in arrays.items()}
            manifest = json.dumps({**told, "version": VERSION, "sums": sums})
            (aside / "manifest.json").write_text(manifest, encoding="utf-8")
            shutil.rmtree(place, ignore_errors=True)
            aside.rename(place)
        except OSError:
            return
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        if not valid():  # what was purged meanwhile may be in it
            shutil.rmtree(place, ignore_errors=True)
            return
        for other in self._places():
            if other.name < place.name:
                shutil.rmtree(other, ignore_errors=True)

    def discard(self, seq: int) -> None:
        """Delete what was saved at a sequence number or before."""
        for place in self._places():
            if place.name <= f"{self._name}-{seq:015d}":
                shutil.rmtree(place, ignore_errors=True)

    def load(self, fits: Callable[[Mapping[str, Any]], bool]) -> Saved | None:
        """The newest that is whole and fits; None if there is none."""
        for place in reversed(self._places()):
            try:
                told = json.loads((place / "manifest.json").read_text("utf-8"))
                if told["version"] == VERSION and fits(told):
                    return Saved(told, {name: _read(place, name, told) for name in told["sums"]})
            except (OSError, ValueError, KeyError, TypeError):
                continue  # made again from the store, as if it had never been there
        return None

    def _places(self) -> list[Path]:
        """The folders there are, oldest first."""
        try:  # a pattern would be compiled for every namespace there is
            return sorted(
                place for place in self._folder.iterdir() if place.name.startswith(f"{self._name}-")
            )
        except FileNotFoundError:
            return []


def _written(path: Path, array: np.ndarray | Callable[[str], None]) -> list[int]:
    if callable(array):
        array(str(path))
    else:
        np.save(path, array)
    if path.stem in _MAPPED:  # no checksum would tell that a crash left zeros in these
        with path.open("rb") as file:
            os.fsync(file.fileno())
    return _sum(path)


def _read(place: Path, name: str, told: Mapping[str, Any]) -> np.ndarray:
    path = place / f"{name}.npy"
    if _sum(path) != told["sums"][name]:
        raise ValueError(f"{path} is damaged")
    array: np.ndarray = np.load(path, mmap_mode="r" if name in _MAPPED else None)
    return array


def _sum(path: Path) -> list[int]:
    size = path.stat().st_size
    return [size, 0 if path.stem in _MAPPED else zlib.crc32(path.read_bytes())]
