"""Sums whose parts can be taken out again to the last bit.

Floating-point sums depend on their order, and what is subtracted leaves a residue. If every part is
a multiple of one power of two, and no sum outgrows the mantissa, each sum is exact: the order does
not matter, and what was added and subtracted again was never there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

_MANTISSA = {torch.float32: 24, torch.float64: 53}


def rounded(values: Tensor, bits: int) -> Tensor:
    """To multiples of 2 ** -bits, in float64."""
    return torch.round(values.double() * 2**bits) / 2**bits


def added(total: Tensor, part: Tensor, bits: int) -> Tensor:
    """The exact sum of a total and a part (float64), multiples of 2 ** -bits, as the total is kept.

    Raises:
        InvalidInput: the sum has no room for so many bits: the memory is full.
    """
    # + 0.0, since the total of nothing must have no sign.
    whole = total.double() + part + 0.0
    limit = 2.0 ** (_MANTISSA[total.dtype] - bits)
    if not bool((whole.abs() < limit).all()):
        raise InvalidInput(
            f"a sum of latents leaves ±{limit:g}: too much is written, or the model's keys and "
            "values are too large; take fewer bits, or write to another memory"
        )
    return whole.to(total.dtype)
