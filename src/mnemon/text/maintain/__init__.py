"""The slot `text.maintain`: keeping memory in order. Methods propose, the core commits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from mnemon.cube import Edit


class Maintain(Protocol):
    """One kind of upkeep. `memory` offers the reading system calls."""

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterable[Edit]:
        """Proposed edits for a namespace."""
        ...
