"""The slot `text.extract`: making records from records, with or without an LLM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mnemon.cube import Draft, MemCube


class Extract(Protocol):
    """One way to derive cubes."""

    def extract(self, cubes: Sequence[MemCube]) -> Sequence[Draft]:
        """Drafts whose `spans` name the cubes and versions they were made from."""
        ...
