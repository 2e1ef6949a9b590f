"""What a request tells of itself while it is served: filled by access control and by the routes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mnemon.errors import MnemonError
from mnemon.server.audit.entry import digest_of
from mnemon.wire import problems
from mnemon.wire.plain import plain

if TYPE_CHECKING:
    from mnemon.cube import Receipt
    from mnemon.persons import PersonReceipt

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
    call: str | None = None
    """The call, where the address does not tell it: a tool of MCP."""
    failed: Exception | None = None
    """What was told as failed in an answer that HTTP takes for a success."""
    lacks: str | None = None
    """The verb that an access token has no scope for."""

    def touch(self, ids: Iterable[str], cubes: int | None = None, **detail: Any) -> None:
        """Tell which cubes it was about. What is no id of ours might be anything, so it is left
        out; `cubes` counts them all."""
        wanted = tuple(ids)
        self.ids = tuple(id for id in wanted if _ID.fullmatch(id))
        self.cubes = len(wanted) if cubes is None else cubes
        self.detail |= detail

    def forgot(self, receipt: Receipt | PersonReceipt) -> None:
        """Tell what was forgotten, with the digest of the receipt."""
        flags = {"purged": receipt.purged, "dry_run": receipt.dry_run}
        self.touch(receipt.ids, **{name: True for name, told in flags.items() if told})
        self.receipt = digest_of(plain(receipt))

    def status(self, answered: int) -> int:
        """The status of the call: of what failed, or of the answer."""
        if self.failed is None:
            return answered
        return problems.status(self.failed) if isinstance(self.failed, MnemonError) else 500

    def address(self, parameters: Mapping[str, Any]) -> None:
        """Take the id that stands in the request's address, unless the route told more."""
        if not self.ids and isinstance(parameters.get("id"), str):
            self.touch([parameters["id"]])
