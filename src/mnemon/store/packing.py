"""Vectors as bytes: int8 components under one float32 scale. A quarter of the size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnemon.errors import EmbedderError


def pack(matrix: np.ndarray) -> list[bytes]:
    """Rows of a float32 matrix [N, D] as bytes: scale (float32), then D int8 components.

    Raises:
        EmbedderError: a component is NaN or infinite.
    """
    matrix = np.asarray(matrix, dtype=np.float32)
    if not np.isfinite(matrix).all():
        raise EmbedderError("the embedder gave a vector with NaN or infinity; nothing was written")
    scale = (np.abs(matrix).max(axis=1, keepdims=True) / 127.0).astype("<f4")
    whole = np.rint(np.divide(matrix, scale, where=scale > 0, out=np.zeros_like(matrix)))
    packed = np.concatenate([scale.view(np.int8), whole.astype(np.int8)], axis=1)
    return [row.tobytes() for row in packed]


def unpack(blobs: Sequence[bytes], dimension: int) -> np.ndarray:
    """The inverse of `pack`: float32 [N, D]."""
    packed = np.frombuffer(b"".join(blobs), dtype=np.int8).reshape(len(blobs), dimension + 4)
    scale = np.ascontiguousarray(packed[:, :4]).view("<f4")
    whole: np.ndarray = np.multiply(packed[:, 4:], scale, dtype=np.float32)
    return whole
