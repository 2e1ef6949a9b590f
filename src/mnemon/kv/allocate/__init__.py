"""The slot `kv.allocate`: how many tokens each layer and head keeps of a common budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView


class Allocate(Protocol):
    """One way to share a budget. It sees all layers' scores before anything is dropped.

    Attributes:
        needs: what the core must supply in the views.
        ragged: true if heads of one layer may keep different amounts.
    """

    needs: ClassVar[frozenset[Need]]
    ragged: ClassVar[bool]

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Tokens that each head keeps, outside the protected window.

        Args:
            views: one a compressed layer.
            scores: one a layer, `[B, Hkv, C]`: candidates only, the window is left out. Protected
                sinks score infinity.
            total: tokens that all heads of all layers may keep together, a sequence.

        Returns:
            `[B, L, Hkv]` integers on the CPU, each at most C, summing to at most `total` over L
            and Hkv for every sequence.
        """
        ...
