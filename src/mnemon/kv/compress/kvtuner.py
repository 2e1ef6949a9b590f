"""Each layer has its own widths for keys and values, found beforehand for the model.

KVTuner: Sensitivity-Aware Layer-Wise Mixed-Precision KV Cache Quantization for Efficient and
Nearly Lossless LLM Inference (Li et al., ICML 2025),
https://arxiv.org/abs/2502.04420; official code cmd2001/KVTuner, not copied.
`mnemon.kv.tuning.search` measures a model on calibration text and saves one JSON file a model;
here it is only looked up: `kvtuner(saved=tuned/3f2a….json)`.
How ours differs: codes are KIVI's for every layer; without a search all layers take `default`,
more bits for keys than for values, as the paper finds best on the whole. See `tuning` for what the
search leaves out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mnemon.errors import InvalidInput
from mnemon.kv.codes import check_bits
from mnemon.kv.compress.kivi import KIVI

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.needs import Need
    from mnemon.kv.stored import Stored
    from mnemon.kv.view import LayerView

__all__ = ["KVTuner"]


@dataclass(frozen=True)
class KVTuner:
    """KIVI with layer-wise widths.

    Attributes:
        pairs: key bits and value bits of each compressed layer; empty: `default` for all.
        saved: a file that `search` saved, read when the method is made, if `pairs` is empty.
        default: the pair for every layer without a search.
        group_size: as KIVI's.
    """

    pairs: tuple[tuple[int, int], ...] = ()
    saved: str = ""
    default: tuple[int, int] = (4, 2)
    group_size: int = 32

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __post_init__(self) -> None:
        pairs = self.pairs or (_read_pairs(self.saved) if self.saved else ())
        # JSON gives lists, and a method must compare and hash.
        object.__setattr__(self, "pairs", tuple((int(k), int(v)) for k, v in pairs))
        object.__setattr__(self, "default", tuple(self.default))
        for key, value in (*self.pairs, self.default):
            check_bits("kvtuner", key, value)

    def group(self) -> int:
        """Key scales cover `group_size` tokens."""
        return self.group_size

    def token_bytes(self, shape: Shape) -> float:
        """Of this layer's widths.

        Raises:
            InvalidInput: the pairs were found for a model with another number of layers.
        """
        if self.pairs and len(self.pairs) != shape.layers:
            raise InvalidInput(
                f"kvtuner has widths for {len(self.pairs)} layers, and this model compresses"
                f" {shape.layers}: search for this model (mnemon.kv.tuning.search)"
            )
        return self.coder(shape.layer).token_bytes(shape)

    def fixed_bytes(self, shape: Shape) -> float:
        """Nothing besides."""
        return 0.0

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """What KIVI makes of the layer at its widths."""
        return self.coder(view.place).compress(view, kept)

    def coder(self, place: int) -> KIVI:
        """The form of storage of one compressed layer."""
        key, value = self.pairs[place] if self.pairs else self.default
        return KIVI(bits=key, value_bits=value, group_size=self.group_size)


def _read_pairs(path: str) -> list[tuple[int, int]]:
    try:
        told = json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(
            f"kvtuner(saved={path!r}): there is no such file; make one with"
            " mnemon.kv.tuning.search(model, tokens).save(folder)"
        ) from error
    if not isinstance(told, dict) or "pairs" not in told:
        raise InvalidInput(f"kvtuner(saved={path!r}) is not a file that a search saved")
    pairs: list[tuple[int, int]] = told["pairs"]
    return pairs
