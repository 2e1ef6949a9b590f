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


def split(joined: bytes, count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` packed rows, joined: their components int8 [N, D] and scales float32 [N]."""
    packed = np.frombuffer(joined, dtype=np.int8).reshape(count, -1)
    return packed[:, 4:], np.ascontiguousarray(packed[:, :4]).view("<f4")[:, 0]


def unpack(blobs: Sequence[bytes], dimension: int) -> np.ndarray:
    """The inverse of `pack`: float32 [N, D]."""
    if not blobs:
        return np.zeros((0, dimension), dtype=np.float32)
    codes, scales = split(b"".join(blobs), len(blobs))
    whole: np.ndarray = np.multiply(codes, scales[:, None], dtype=np.float32)
    return whole
