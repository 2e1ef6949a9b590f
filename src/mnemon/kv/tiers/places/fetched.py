"""Bytes that were fetched whole, read as a file is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True)
class Fetched:
    """What a server sent."""

    data: bytes

    @property
    def size(self) -> int:
        """How many bytes."""
        return len(self.data)

    def into(self, begin: int, room: memoryview) -> int:
        """Fill `room` from `begin` on; how many bytes there were."""
        part = memoryview(self.data)[begin : begin + len(room)]
        room[: len(part)] = part
        return len(part)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass
