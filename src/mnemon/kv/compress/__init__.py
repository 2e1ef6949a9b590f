"""The slot `kv.compress`: in which form kept tokens are stored, and what becomes of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.stored import Stored
    from mnemon.kv.view import LayerView


@dataclass(frozen=True)
class Shape:
    """What one token of one head takes uncompressed, and where it stands.

    Attributes:
        key: channels of a key. value: channels of a value.
        dtype: the model's precision. layer, layers: the place among the compressed layers.
        tokens: candidates that are up for storing.
        stored: tokens a head that the layer holds already and keeps (0: this is the first store).
        heads: key-value heads of the layer. hidden: channels of the layer's input.
    """

    key: int
    value: int
    dtype: torch.dtype
    layer: int
    layers: int
    tokens: int
    stored: int = 0
    heads: int = 1
    hidden: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of one token of one head, uncompressed."""
        return (self.key + self.value) * self.dtype.itemsize


class Compress(Protocol):
    """One form of storage.

    A method may have two more verbs. `compress_layers(views, kept)`, with one view and one `kept` a
    compressed layer, stands in for `compress` where layers share what they store; it returns a
    list of stores a layer. `least(shape)` is for methods that keep something of every candidate:
    how many tokens a head of those must be kept for that to be worth while; the core lets the
    lowest-scored candidates go beforehand until the budget holds so many.

    A method whose heads differ in size also has `costs(view, shape) -> [Hkv]`: what a token of
    each head takes, in tokens of `token_bytes`.

    Attributes:
        needs: what the core must supply in the view.
    """

    needs: ClassVar[frozenset[Need]]

    def group(self) -> int:
        """Tokens of a row that are stored together; rows keep multiples of it (1: any number).

        Of a method with groups, the core stores the sinks by itself (`mnemon.kv.firsts`), unless
        the method needs its own earlier stores: they are not among the candidates.
        """
        ...

    def token_bytes(self, shape: Shape) -> float:
        """Bytes that a kept token of one head takes, scales and the like included."""
        ...

    def fixed_bytes(self, shape: Shape) -> float:
        """Bytes that one head takes whatever is kept (what evicted tokens leave, projections)."""
        ...

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """Store the candidates, the first C = T - window tokens of the view.

        Args:
            view: the layer.
            kept: `[B, Hkv, C]` booleans: what the budget keeps; each row a multiple of `group()`.

        Returns:
            One or more stores, the same number whatever is kept; attention runs over all of them.
            Each carries `view.noted(mask)` of the tokens it stands for as its `meta`. The first
            has the protected sinks in front, if they are among the candidates.
        """
        ...
