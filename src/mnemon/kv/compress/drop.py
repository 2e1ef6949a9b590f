"""Kept tokens stay as they are, the others go.

How ours differs: no known difference. The bytes of dropped tokens are freed: what is kept is
copied into tensors of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mnemon.kv import merging
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["Drop"]


@dataclass(frozen=True)
class Drop:
    """Eviction."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """The model's own precision."""
        return shape.nbytes

    def fixed_bytes(self, shape: Shape) -> float:
        """Nothing besides."""
        return 0.0

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store, `keys` and `values` `[N, D]`."""
        count = kept.shape[2]
        keys, values = view.keys[:, :, :count], view.values[:, :, :count]
        return [merging.exact_store(self, view, kept, keys, values)]

    def read(self, stored: Stored) -> Rows:
        """The stored tensors themselves."""
        return Rows(stored.parts["keys"], stored.parts["values"], stored.lengths)
