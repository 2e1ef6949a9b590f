"""More bits for the heads that look far back, fewer for the others.

Ours, after the per-layer pairs of KVTuner (https://arxiv.org/abs/2502.04420) and the two grades of
MiKV (https://arxiv.org/abs/2402.18096): here the grade of a head follows from the model's profile
(`mnemon.kv.profile`), is known before any token is seen, and costs no scoring. Storage is KIVI's.
With `tangram`, heads past the budget keep sinks and window only; with `uniform`, all keep the same
tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv.compress.kivi import KIVI
from mnemon.kv.needs import Need
from mnemon.kv.together import runs, stacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.stored import Stored
    from mnemon.kv.view import LayerView

__all__ = ["Graded"]


@dataclass(frozen=True)
class Graded:
    """Two grades of low-bit storage, by head.

    Attributes:
        high, low: bits of the two grades.
        value_bits: of values, in both grades (0: as many as the keys').
        share: the fraction of all heads, most far-sighted first, that get `high`.
        group_size: as in KIVI.
    """

    high: int = 4
    low: int = 2
    value_bits: int = 0
    share: float = 0.5
    group_size: int = 32

    needs: ClassVar = frozenset({Need.PROFILE})

    def group(self) -> int:
        """Key scales cover `group_size` tokens."""
        return self.group_size

    def token_bytes(self, shape: Shape) -> float:
        """A token of a head of the high grade; `costs` tells what others take of that."""
        return self._grade(self.high).token_bytes(shape)

    def fixed_bytes(self, shape: Shape) -> float:
        """Nothing besides."""
        return 0.0

    def costs(self, view: LayerView, shape: Shape) -> Tensor:
        """What a token of each head takes, in tokens of the high grade: `[Hkv]`."""
        less = self._grade(self.low).token_bytes(shape) / self.token_bytes(shape)
        return torch.where(self._far(view), 1.0, less)

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """Two stores, the high grade's first; each has no tokens of the other's heads."""
        return self.compress_layers([view], [kept])[0]

    def compress_layers(
        self, views: Sequence[LayerView], kept: Sequence[Tensor]
    ) -> list[list[Stored]]:
        """The same of every layer, small layers together."""
        made: list[list[Stored]] = []
        for run in runs(views):
            wanted = stacked(kept[run])
            far = torch.stack([self._far(view) for view in views[run]])
            far = far[:, None, :, None].to(wanted.device)
            high = self._grade(self.high).encode(views[run], wanted & far)
            low = self._grade(self.low).encode(views[run], wanted & ~far)
            made += [list(both) for both in zip(high, low, strict=True)]
        return made

    def _grade(self, bits: int) -> KIVI:
        return KIVI(bits=bits, value_bits=self.value_bits, group_size=self.group_size)

    def _far(self, view: LayerView) -> Tensor:
        assert view.profile is not None
        weights = torch.tensor(view.profile.weights)
        return weights[view.place] > 1 - self.share
