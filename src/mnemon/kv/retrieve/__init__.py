"""The slot `kv.retrieve`: what is fetched back while decoding, the whole kept in a slower place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView


class Retrieve(Protocol):
    """One way to choose what attention reads, from an index that stays resident.

    Attributes:
        needs: what the core must supply in the view when the index is built.
    """

    needs: ClassVar[frozenset[Need]]

    def index(self, view: LayerView) -> dict[str, Tensor]:
        """The resident index over the C candidates of one layer (centroids and the like)."""
        ...

    def select(
        self,
        index: dict[str, Tensor],
        queries: Tensor,
        budget: int,
        layer: int,
        state: dict[str, Any],
    ) -> Tensor:
        """Which candidates are fetched for this step.

        Args:
            index: what `index` made of this layer.
            queries: `[B, Hq, Q, D]` of this step.
            budget: tokens a head that may be read.
            layer: the place among the compressed layers.
            state: the method's own notes, shared by the layers of a cache and kept from step to
                step; a fresh cache starts with an empty one.

        Returns:
            `[B, Hkv, K]` candidate numbers, K at most `budget`.
        """
        ...
