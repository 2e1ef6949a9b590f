"""The encoder of the embedder `context`: what the static model's rows mean beside each other.

A sum of rows cannot know that "bank" beside "river" is no bank. Two layers of a transformer
(Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, with the norm first) read the rows of a text
64 at a time, and what comes out is added to their sum: half a millisecond for a turn. Trained over
the rows by `scripts/distil_encoder.py`, tuned for recall by `scripts/tune_embedder.py`. How ours
differs: no vector of positions is added; how far two pieces are apart counts in attention only
(relative positions as in T5, Raffel et al. 2020, https://arxiv.org/abs/1910.10683, section 2.1).

Weights lie in blocks of 32 columns, so that no product is large enough for BLAS to start threads
(`mnemon.blas`).
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
BLOCK = 32
"""Columns of a block, and the width of a head."""
EPSILON = 1e-5
_ROWS = 32  # multiplied with a block at once


@dataclass(frozen=True)
class Encoder:
    """Weights float32 of N layers of width D over rows of width D, with heads of `BLOCK` columns.

    Attributes:
        scale: scalar; rows are multiplied by it before the first layer.
        heads: [N, 3 * D / BLOCK, D, BLOCK], queries (divided by the root of `BLOCK`), keys, values;
            `heads_bias` [N, 3 * D / BLOCK, 1, BLOCK].
        near: [N, D / BLOCK, 2 * K + 1]; added to attention by how far to the right the attended
            piece is, at most K either way.
        joined: [N, D / BLOCK, BLOCK, D]; `joined_bias` [N, D].
        up: [N, F / BLOCK, D, BLOCK] and `up_bias` [N, F / BLOCK, 1, BLOCK]; between them and
            `down` [N, F / BLOCK, BLOCK, D], with `down_bias` [N, D], what is below zero is zero.
        last: [D, D] and `last_bias` [D]; what a piece has become, normed, times the one and with
            the other is what it adds to its text.
        summed: [D, D]; the text's sum of rows is multiplied by it.
    """

    scale: NDArray[np.float32]
    heads: NDArray[np.float32]
    heads_bias: NDArray[np.float32]
    near: NDArray[np.float32]
    joined: NDArray[np.float32]
    joined_bias: NDArray[np.float32]
    up: NDArray[np.float32]
    up_bias: NDArray[np.float32]
    down: NDArray[np.float32]
    down_bias: NDArray[np.float32]
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
        """What each array must be, given `heads`, `near` and `up`."""
        layers, width, most = len(self.heads), len(self.last), self.near.shape[-1] // 2
        blocks, inner = width // BLOCK, self.up.shape[1]
        return {
            "scale": (), "heads": (layers, 3 * blocks, width, BLOCK),
            "heads_bias": (layers, 3 * blocks, 1, BLOCK), "near": (layers, blocks, 2 * most + 1),
            "joined": (layers, blocks, BLOCK, width), "joined_bias": (layers, width),
            "up": (layers, inner, width, BLOCK), "up_bias": (layers, inner, 1, BLOCK),
            "down": (layers, inner, BLOCK, width), "down_bias": (layers, width),
            "last": (width, width), "last_bias": (width,), "summed": (width, width),
        }  # fmt: skip

    def arrays(self) -> dict[str, NDArray[np.float16]]:
        """As a file holds them."""
        import numpy as np

        names = type(self).__dataclass_fields__
        return {name: np.asarray(getattr(self, name), np.float16) for name in names}

    def added(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the pieces of one text add to its sum, float32 [D], given their rows [T, D]."""
        import numpy as np

        total = np.zeros(rows.shape[1], dtype=np.float32)
        for start in range(0, len(rows), WINDOW):
            total += self._read(rows[start : start + WINDOW] * self.scale)
        found: NDArray[np.float32] = total @ self.last + np.float32(len(rows)) * self.last_bias
        return found

    def _read(self, hidden: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sum over a window [T, D] of what each piece has become."""
        import numpy as np

        for layer in range(len(self.heads)):
            hidden += self._attended(layer, _normed(hidden))
            inner = _parted(_normed(hidden), self.up[layer], self.up_bias[layer])
            np.maximum(inner, 0.0, out=inner)
            hidden += _together(inner, self.down[layer], self.down_bias[layer])
        found: NDArray[np.float32] = _normed(hidden).sum(axis=0)
        return found

    def _attended(self, layer: int, normed: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        count, heads = len(normed), len(self.joined[layer])
        parts = _parted(normed, self.heads[layer], self.heads_bias[layer])
        queries, keys, values = parts[:heads], parts[heads : 2 * heads], parts[2 * heads :]
        likely = queries @ keys.swapaxes(1, 2)
        likely += self._beside[layer, :, :count, :count]
        likely -= likely.max(axis=-1, keepdims=True)
        np.exp(likely, out=likely)
        likely /= likely.sum(axis=-1, keepdims=True)
        found: np.ndarray = likely @ values
        return _together(found, self.joined[layer], self.joined_bias[layer])

    @cached_property
    def _beside(self) -> NDArray[np.float32]:
        """`near` for each two places of a window: float32 [N, D / BLOCK, WINDOW, WINDOW]."""
        import numpy as np

        most, places = self.near.shape[-1] // 2, np.arange(WINDOW)
        apart = np.clip(places - places[:, None], -most, most) + most
        found: NDArray[np.float32] = self.near[:, :, apart]
        return found


def _normed(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    centred: np.ndarray = rows - rows.mean(axis=1, keepdims=True)
    spread = np.einsum("td,td->t", centred, centred) / np.float32(rows.shape[1])
    centred /= np.sqrt(spread + np.float32(EPSILON))[:, None]
    return centred


def _parted(
    rows: NDArray[np.float32], blocks: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Rows [T, D] times each of `blocks` [B, D, W]: [B, T, W]."""
    import numpy as np

    found = np.empty((len(blocks), len(rows), blocks.shape[2]), dtype=np.float32)
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        np.matmul(rows[part], blocks, out=found[:, part])
    found += bias
    return found


def _together(
    parts: NDArray[np.float32], blocks: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The sum over B of parts [B, T, W] times `blocks` [B, W, D]: [T, D]."""
    import numpy as np

    found = np.empty((parts.shape[1], blocks.shape[2]), dtype=np.float32)
    for start in range(0, len(found), _ROWS):
        part = slice(start, start + _ROWS)
        np.matmul(parts[:, part], blocks).sum(axis=0, out=found[part])
    found += bias
    return found
