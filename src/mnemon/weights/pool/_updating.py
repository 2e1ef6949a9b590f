"""Steps of an update that pools share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from mnemon.errors import InvalidInput
from mnemon.weights.pool._cache import written

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.pool._latents import Latents


def read(model: Any, pool: Latents, ids: Sequence[int], count: int) -> Tensor:
    """The latents `[L, k, d]` that a text adds: k is `count`, or its tokens if they are fewer."""
    newest = [one[None, -count:] for one in pool.tokens]
    given = torch.tensor([list(ids)], device=pool.tokens.device)
    return torch.cat(written(model, newest, given, count))


def pieces(ids: Sequence[int], length: int) -> Iterator[Sequence[int]]:
    """A text in pieces of `length` tokens, the last one shorter.

    Raises:
        InvalidInput: no tokens.
    """
    if not ids:
        raise InvalidInput("a text without tokens cannot be read into a pool: leave it out")
    return (ids[start : start + length] for start in range(0, len(ids), length))


def checked(num_tokens: int, num_blocks: int, max_length: int) -> None:
    """Refuse sizes that are no pool.

    Raises:
        InvalidInput: one is not positive.
    """
    sizes = {"num_tokens": num_tokens, "num_blocks": num_blocks, "max_length": max_length}
    for name, size in sizes.items():
        if size < 1:
            raise InvalidInput(f"{name}={size}: a pool needs 1 or more")
