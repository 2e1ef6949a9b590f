"""The slot `text.represent`: what the records are: from what was passed to `add` to drafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from mnemon.cube import Draft


class Represent(Protocol):
    """One way to cut input into records."""

    def represent(self, items: Any) -> Sequence[Draft]:
        """Drafts to be added, in order. Content is never changed, only cut."""
        ...
