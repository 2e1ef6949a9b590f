"""A block's layers, handed out as they arrive.

While the model computes with one layer, the next are read and checked by other threads and, on
CUDA, copied by a stream of its own: the current stream waits for the layer that is handed out, and
for nothing that comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnemon.kv.tiers.cold import MARK, plain

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.tiers.blob import Blob
    from mnemon.kv.tiers.lane import Lane
    from mnemon.kv.tiers.loading import Loading


@dataclass(frozen=True)
class Layer:
    """Keys `[Hkv, T, D]` and values `[Hkv, T, Dv]` of one layer, on the device."""

    number: int
    keys: Tensor
    values: Tensor


@dataclass(frozen=True)
class Stream:
    """One blob of keys and values, layer by layer.

    Attributes:
        key: of the blob. header: of the blob.
        layers: how many there are.
    """

    key: str
    header: Mapping[str, Any]
    layers: int
    _layer: Callable[[int], tuple[Tensor, Tensor]]
    _named: Callable[[str], Tensor]
    _lane: Lane

    @property
    def tokens(self) -> Tensor:
        """Their ids, `[T]` int32, on the CPU."""
        return self._named("tokens")

    def __iter__(self) -> Iterator[Layer]:
        """The layers in order, each as soon as it is there and was checked.

        Raises:
            DamagedBlob: a layer is not what was written. Those before it are right.
            PlaceFailed: the place cannot be read any more.
        """
        for number in range(self.layers):
            keys, values = (self._lane.send(one) for one in self._layer(number))
            yield Layer(number, keys.ready(), values.ready())


def at_hand(blob: Blob, lane: Lane) -> Stream:
    """The stream of a blob in memory."""
    tensors = blob.tensors
    layers = sum(name.startswith("keys.") for name in tensors)

    def layer(number: int) -> tuple[Tensor, Tensor]:
        return tensors[f"keys.{number}"], tensors[f"values.{number}"]

    return Stream(blob.key, blob.header, layers, layer, tensors.__getitem__, lane)


def arriving(loading: Loading, lane: Lane) -> Stream:
    """The stream of a blob that is being loaded. Waits for its head, and raises what ended it."""
    head = loading.head.result()
    names = [piece.name for piece in head.pieces]
    told = head.header.get(MARK)

    def named(name: str) -> Tensor:
        return loading.pieces[name].result()

    def layer(number: int) -> tuple[Tensor, Tensor]:
        if told is None or loading.form is None:
            return named(f"keys.{number}"), named(f"values.{number}")
        stored = {n: named(n) for n in names if n.startswith(f"cold.{number}.")}
        rest = {n: named(n) for n in (f"keys.{number}", f"values.{number}")}
        return loading.form.layer(told, number, stored | rest)

    layers = sum(name.startswith("keys.") for name in names)
    return Stream(loading.key, plain(head.header), layers, layer, named, lane)
