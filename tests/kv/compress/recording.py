"""A form of storage that remembers what it was asked and what it made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from mnemon.kv import packed
from mnemon.kv.compress import Shape
from mnemon.kv.stored import Stored
from mnemon.kv.view import LayerView


@dataclass
class Recorded:
    """One compression of all layers."""

    views: list[LayerView]
    kept: list[Tensor]
    stores: list[list[Stored]]
    shapes: list[Shape]

    @property
    def nbytes(self) -> int:
        """Bytes of keys and values in all stores, shared tensors once."""
        parts = [part for some in self.stores for one in some for part in one.parts.values()]
        return packed.storage_bytes(parts)


@dataclass
class Recorder:
    """Acts as `method` does, in the form that works on all layers."""

    method: Any
    made: list[Recorded] = field(default_factory=list)
    shapes: dict[int, Shape] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["method"], name)

    def fixed_bytes(self, shape: Shape) -> float:
        self.shapes[shape.layer] = shape
        return float(self.method.fixed_bytes(shape))

    def compress_layers(
        self, views: Sequence[LayerView], kept: Sequence[Tensor]
    ) -> list[list[Stored]]:
        together = getattr(self.method, "compress_layers", None)
        if together is not None:
            stores = together(views, kept)
        else:
            stores = [self.method.compress(*pair) for pair in zip(views, kept, strict=True)]
        shapes = [self.shapes[place] for place in range(len(views))]
        self.made.append(Recorded(list(views), list(kept), stores, shapes))
        return stores  # type: ignore[no-any-return]

    def promised(self, made: Recorded) -> float:
        """Bytes that the method said those tokens would take."""
        total = 0.0
        for view, shape, kept in zip(made.views, made.shapes, made.kept, strict=True):
            tokens = kept.sum(-1).float()
            if hasattr(self.method, "costs"):  # heads differ
                tokens = tokens * self.method.costs(view, shape)
            total += float(tokens.sum()) * self.method.token_bytes(shape)
            total += kept.shape[0] * kept.shape[1] * self.method.fixed_bytes(shape)
        return total
