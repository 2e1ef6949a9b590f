"""The encoder of the embedder `context`: what word-pieces mean beside each other.

A sum of rows cannot know that "bank" beside "river" is no bank. Here each piece attends to those
around it, 64 at a time (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.2.2), and
what a piece and what it attended to make together is added to the static model's sum. Trained by
`scripts/distil_encoder.py`, tuned for recall by `scripts/tune_embedder.py`.

How ours differs from a layer of a transformer: it was made for what it costs without a GPU. No
vector of positions is added, how far two pieces are apart counts in attention only (as in T5,
Raffel et al. 2020, https://arxiv.org/abs/1910.10683, section 2.1): so a piece's queries, keys and
values are the same in every text, and are looked up. And nothing is normed after attention: so all
that is linear is reckoned once for a text, of sums, and one product a piece is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW = 64
"""Pieces that are read together."""
HEAD = 32
"""Width of a head."""
# Attention beyond it counts as this much: the exponential stays finite, and cheaper than by
# subtracting each row's maximum.
_MOST = 60.0


@dataclass(frozen=True)
class Encoder:
    """Weights float32 over rows W wide, with heads of `HEAD` columns, for vectors D wide.

    Attributes:
        heads: [W, 3 * W] and `heads_bias` [3 * W]; make queries (divided by the root of `HEAD`),
            keys and values of a row.
        near: [W / HEAD, 2 * K + 1]; added to attention by how far to the right the attended piece
            is, at most K either way.
        alone: [W, F] and `alone_bias` [F], of a piece's row, and `beside` [W, F], of what it
            attended to; what of their sum is below zero is zero.
        last: [2 * W + F, D] and `last_bias` [D]; what a piece adds to its text, of its row, what it
            attended to, and what both made.
        summed: [D, D]; the text's sum of static rows is multiplied by it.
    """

    heads: NDArray[np.float32]
    heads_bias: NDArray[np.float32]
    near: NDArray[np.float32]
    alone: NDArray[np.float32]
    alone_bias: NDArray[np.float32]
    beside: NDArray[np.float32]
    last: NDArray[np.float32]
    last_bias: NDArray[np.float32]
    summed: NDArray[np.float32]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.float16]]) -> Encoder:
        """Of a file's arrays by name.

        Raises:
            KeyError: one is missing. ValueError: they do not fit each other.
        """
        import numpy as np

        names = cls.__dataclass_fields__
        made = cls(**{name: np.asarray(arrays[name], dtype=np.float32) for name in names})
        for name, shape in made._shapes().items():
            if (found := getattr(made, name).shape) != shape:
                raise ValueError(f"{name} of the encoder is {found}, not {shape}")
        return made

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """What each array must be, given `alone`, `near` and `summed`."""
        (width, inner), wide = self.alone.shape, len(self.summed)
        most = self.near.shape[-1] // 2
        return {
            "heads": (width, 3 * width), "heads_bias": (3 * width,),
            "near": (width // HEAD, 2 * most + 1), "alone": (width, inner), "alone_bias": (inner,),
            "beside": (width, inner), "last": (2 * width + inner, wide), "last_bias": (wide,),
            "summed": (wide, wide),
        }  # fmt: skip

    def arrays(self) -> dict[str, NDArray[np.float16]]:
        """As a file holds them."""
        import numpy as np

        names = type(self).__dataclass_fields__
        return {name: np.asarray(getattr(self, name), np.float16) for name in names}

    @property
    def width(self) -> int:
        """W, of the rows that it reads."""
        return len(self.alone)

    def brought(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """What pieces bring to any text, float32 [N, 3 * W + F], given their rows [N, W]: queries,
        keys, values, and what they make alone. The same in whatever company."""
        from mnemon.blas import stacked  # numpy

        matrix, bias = self._bringing
        return stacked(rows[:, None], matrix)[:, 0] + bias

    def read(self, rows: NDArray[np.float32], brought: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sums over texts of what `last` is multiplied with, float32 [N, 2 * W + F].

        Args:
            rows: [N, T, W], at most `WINDOW` pieces of each of N texts.
            brought: [N, T, 3 * W + F], what `brought` says of those rows.
        """
        import numpy as np

        from mnemon.blas import stacked  # numpy

        attended = self._attended(brought[..., : 3 * self.width])
        inner = stacked(attended, self.beside)
        inner += brought[..., 3 * self.width :]
        np.maximum(inner, 0.0, out=inner)
        return np.concatenate([part.sum(axis=1) for part in (rows, attended, inner)], axis=1)

    def meanings(
        self, sums: NDArray[np.float32], read: NDArray[np.float32], counts: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Vectors float32 [N, D] of texts: of their sums of static rows [N, D], what was read of
        them [N, 2 * W + F], and how many pieces they have [N]."""
        from mnemon.blas import stacked  # numpy

        found = stacked(sums[:, None], self.summed)[:, 0]
        found += stacked(read[:, None], self.last)[:, 0]
        found += counts[:, None].astype(found.dtype) * self.last_bias
        return found

    def _attended(self, parts: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the heads say to each piece, side by side, float32 [N, T, W], of queries, keys and
        values [N, T, 3 * W]."""
        import numpy as np

        some, count, heads = *parts.shape[:2], self.width // HEAD
        parts = parts.reshape(some, count, 3, heads, HEAD)
        queries, keys, values = (parts[:, :, part].swapaxes(1, 2) for part in range(3))
        likely: np.ndarray = queries @ keys.swapaxes(2, 3)
        likely += self._near_by[:, :count, :count]
        np.minimum(likely, _MOST, out=likely)
        np.maximum(likely, -_MOST, out=likely)
        np.exp(likely, out=likely)
        found: np.ndarray = likely @ values
        found /= likely @ np.ones((count, 1), np.float32)
        return found.swapaxes(1, 2).reshape(some, count, self.width)

    @cached_property
    def _bringing(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        import numpy as np

        bias = np.concatenate([self.heads_bias, self.alone_bias])
        return np.concatenate([self.heads, self.alone], axis=1), bias

    @cached_property
    def _near_by(self) -> NDArray[np.float32]:
        """`near` for each two places of a window: float32 [W / HEAD, WINDOW, WINDOW]."""
        import numpy as np

        most, places = self.near.shape[-1] // 2, np.arange(WINDOW)
        apart = np.clip(places - places[:, None], -most, most) + most
        found: NDArray[np.float32] = self.near[:, apart]
        return found
