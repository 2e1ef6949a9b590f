"""Expire: retire cubes whose retention has run out (`Policy.retain_until`).

The simplest lifecycle rule; no paper. Retired cubes stay in the past until a purge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mnemon.cube import Edit

__all__ = ["Expire"]


@dataclass(frozen=True)
class Expire:
    """No options."""

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """A `retire` for each cube that was to be kept until now or before."""
        for cube in memory.expired(now, namespace=namespace):
            yield Edit("retire", "retention ended", cube=cube.id, version=cube.version)
