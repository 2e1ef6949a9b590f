"""Where a text is filed in a latent memory, and where a question looks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from mnemon.weights import subjects

if TYPE_CHECKING:
    from torch import Tensor

OPENING = 3
"""Words at the start of a text without a subject that it is filed under."""


def address(subject: str | None, text: str, salt: str) -> str:
    """Of a text's subject, or of its opening words if it has none."""
    said = subject if subject is not None else " ".join(text.split()[:OPENING])
    return subjects.digest(said, salt)


def asked(question: str, salt: str) -> list[str]:
    """All that a question may name, of six words at most, the longest first."""
    return subjects.runs(question, salt)


def signs(addresses: Sequence[str], size: int) -> Tensor:
    """A vector `[N, size]` of each address, ± 2 ** -n, about one long; float64.

    The same in every process: the bits of the address, spread by SHAKE-256. Two of them are nearly
    orthogonal.
    """
    rows = [
        np.unpackbits(
            np.frombuffer(hashlib.shake_256(one.encode()).digest((size + 7) // 8), np.uint8)
        )[:size]
        for one in addresses
    ]
    return (torch.from_numpy(np.stack(rows)).double() * 2 - 1) * 2.0 ** -scale(size)


def scale(size: int) -> int:
    """The n of `signs`: bits after the point of each number in an address."""
    return round(np.log2(size) / 2)
