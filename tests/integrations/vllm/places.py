"""A folder of blobs with the tiers' methods."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mnemon.kv.tiers.blob import Blob, DamagedBlob, decode, encode


class Folder:
    def __init__(self, *, disk: str | Path, **more: Any) -> None:
        self._disk = Path(disk)
        self._disk.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> Blob | None:
        try:
            return decode((self._disk / key).read_bytes(), key)
        except FileNotFoundError:
            return None
        except DamagedBlob:
            (self._disk / key).unlink()
            return None

    def where(self, key: str) -> str | None:
        return "disk" if (self._disk / key).exists() else None

    def put(self, blob: Blob, *, seconds: float) -> None:
        (self._disk / blob.key).write_bytes(encode(blob))

    def flush(self) -> None: ...

    def delete(self, keys: Iterable[str]) -> int:
        for key in keys:
            (self._disk / key).unlink(missing_ok=True)
        return 0

    def close(self) -> None: ...
