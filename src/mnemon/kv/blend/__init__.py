"""The slot `kv.blend`: what is computed anew where texts that were computed alone come together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mnemon.kv.reuse.blend_view import Blended, BlendView


class Blend(Protocol):
    """One way to choose the tokens whose keys and values are computed anew.

    Tokens that have none yet (a question) are computed whatever a method chooses, and those of an
    exact prefix never.
    """

    def blend(self, view: BlendView) -> Blended:
        """The whole text's keys and values: what `view.computed(…)` returns."""
        ...
