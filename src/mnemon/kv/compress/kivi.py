"""Keys in low bits per channel, values in low bits per token.

KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache (Liu et al., ICML 2024),
https://arxiv.org/abs/2402.02750; official code jy-yuan/KIVI (MIT), not copied.
How ours differs: the residual window of full precision (128 in the paper) is the policy's `window`
(32 unless set) and the tokens that wait until a group is full; scales and zeros are of the model's
precision; composes with any scorer, whose budget then counts quantized tokens. Under a budget that
stands still, stored tokens are chosen anew and quantized again, in other groups than before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mnemon.kv.codes import check_bits, coded_from, coded_parts
from mnemon.kv.encoding import Picked, by_channel, by_token, read_by_channel, read_by_token
from mnemon.kv.stored import Rows, Stored
from mnemon.kv.together import heads_of, parted, runs, stacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["KIVI"]


@dataclass(frozen=True)
class KIVI:
    """Asymmetric low-bit storage, `bits` of 2, 4 or 8.

    Attributes:
        bits: of keys and values; `value_bits` of values if they shall differ (0: the same).
        group_size: tokens that share a key channel's scale, and channels that share a value's.
    """

    bits: int = 2
    value_bits: int = 0
    group_size: int = 32

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __post_init__(self) -> None:
        check_bits("kivi", self.bits, self.value_bits or self.bits)

    def group(self) -> int:
        """Key scales cover `group_size` tokens."""
        return self.group_size

    def token_bytes(self, shape: Shape) -> float:
        """Codes, and two scalars for each group."""
        scalars = 2 * shape.dtype.itemsize
        keys = shape.key * (self.bits / 8 + scalars / self.group_size)
        group = min(self.group_size, shape.value)
        return keys + shape.value * ((self.value_bits or self.bits) / 8 + scalars / group)

    def fixed_bytes(self, shape: Shape) -> float:
        """Nothing besides."""
        return 0.0

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store, in the layout of `codes`."""
        return self.encode([view], kept[None])

    def compress_layers(
        self, views: Sequence[LayerView], kept: Sequence[Tensor]
    ) -> list[list[Stored]]:
        """The same of every layer, small layers together."""
        made: list[Stored] = []
        for run in runs(views):
            made += self.encode(views[run], stacked(kept[run]))
        return [[one] for one in made]

    def encode(self, views: Sequence[LayerView], kept: Tensor) -> list[Stored]:
        """The stores of layers of one shape, of which `kept` `[L, B, Hkv, C]` is kept."""
        lengths = kept.sum(-1).cpu()
        every = bool((lengths == kept.shape[3]).all())
        at = None if every else kept.flatten().nonzero().squeeze(1)
        keys = Picked(heads_of([view.keys for view in views], kept.shape[3]), at)
        values = Picked(heads_of([view.values for view in views], kept.shape[3]), at)
        parts = {
            **coded_parts("key", by_channel(keys, self.bits, self.group_size)),
            **coded_parts("value", by_token(values, self.value_bits or self.bits, self.group_size)),
        }
        spans = dict.fromkeys(parts, 1) | {
            "key_scale": self.group_size,
            "key_zero": self.group_size,
        }
        tokens = lengths.sum((1, 2)).tolist()
        pieces = [
            parted(part, [count // spans[name] for count in tokens]) for name, part in parts.items()
        ]
        return [
            Stored(self, length, dict(zip(parts, some, strict=True)), spans, view.keys.dtype,
                   view.noted(layer))
            for view, layer, length, *some in zip(views, kept, lengths, *pieces, strict=True)
        ]  # fmt: skip

    def read(self, stored: Stored) -> Rows:
        """Dequantized rows."""
        coded = coded_from(stored.parts, "key"), coded_from(stored.parts, "value")
        keys = read_by_channel(coded[0], self.bits, self.group_size)
        values = read_by_token(coded[1], self.value_bits or self.bits)
        return Rows(keys, values, stored.lengths)
