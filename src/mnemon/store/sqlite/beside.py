"""Folders beside the file: what is too large for it, and what may be deleted."""

from __future__ import annotations

from pathlib import Path

from mnemon.store import uploads
from mnemon.store.sqlite.connection import MEMORY


class Beside:
    """See `mnemon.store.protocol.Store` for what each folder is for; a volatile store has none."""

    address: str

    @property
    def blobs(self) -> Path | None:
        return self._folder("blobs")

    @property
    def index(self) -> Path | None:
        return self._folder("index")

    @property
    def uploads(self) -> Path | None:
        return self._folder("uploads")

    def upload(self, job: str, name: str) -> Path:
        folder = self.uploads
        assert folder is not None, "a volatile store has no uploads"
        return uploads.place(folder, job, name)

    def _folder(self, name: str) -> Path | None:
        return None if self.address == MEMORY else Path(f"{self.address}-{name}")
