"""What a request tells of itself while it is served: filled by access control and by the routes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(slots=True)
class Act:
    """One request. `needs` is the verb that it asked a key for, `who` a key's id."""

    who: str = "nobody"
    needs: str | None = None
    namespace: str | None = None
    ids: tuple[str, ...] = ()
    cubes: int | None = None
    receipt: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def touch(self, ids: Iterable[str], cubes: int | None = None, **detail: Any) -> None:
        """Tell which cubes it was about. What is no id of ours might be anything, so it is left
        out; `cubes` counts them all."""
        wanted = tuple(ids)
        self.ids = tuple(id for id in wanted if _ID.fullmatch(id))
        self.cubes = len(wanted) if cubes is None else cubes
        self.detail |= detail

    def address(self, parameters: Mapping[str, Any]) -> None:
        """Take the id that stands in the request's address, unless the route told more."""
        if not self.ids and isinstance(parameters.get("id"), str):
            self.touch([parameters["id"]])
