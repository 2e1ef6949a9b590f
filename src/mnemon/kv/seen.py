"""What a cache has seen, as one number for each sequence: whether a text goes on from it.

`generate` hands a cache only the tokens that are new, so that a text which begins otherwise looks
like one that goes on. A cache that has answered therefore takes more of a whole text only after
`KVCache.go_on`, which compares that text with this number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.cache import KVCache

_BASE = 6364136223846793005
_MODULUS = 1 << 64


def folded(old: Tensor | None, tokens: Tensor, start: int) -> Tensor | None:
    """The number `[B]` int64 when `tokens` `[B, N]` have come after `start` others.

    The sum over tokens of their id, plus one, times a power of an odd number, modulo 2^64: it tells
    texts apart that differ by mistake, not by intent.

    Args:
        old: the number before; None: it is not known, and stays so.
    """
    if (start and old is None) or tokens.dim() != 2 or tokens.is_floating_point():
        return None
    powers = torch.full((tokens.shape[1],), _BASE, dtype=torch.int64, device=tokens.device)
    powers[0] = _signed(pow(_BASE, start, _MODULUS))
    new = ((tokens.long() + 1) * powers.cumprod(0)).sum(1)
    return new if old is None else old.to(new.device) + new


def check_going_on(cache: KVCache, tokens: Tensor) -> None:
    """Check that a text begins with what the cache has seen, and has more.

    Raises:
        InvalidInput: it is not a text of as many sequences; it begins otherwise; nothing is new.
    """
    if not isinstance(tokens, torch.Tensor) or tokens.dim() != 2 or tokens.is_floating_point():
        raise InvalidInput(
            "go_on takes the token ids of the whole text, a tensor [B, N], as generate does"
        )
    batch = 0 if cache.real is None else len(cache.real)
    if batch and tokens.shape[0] != batch:
        raise InvalidInput(
            f"the cache holds {batch} sequences, and this text has {tokens.shape[0]}: make a new "
            "KVCache"
        )
    if tokens.shape[1] <= cache.slots:
        raise InvalidInput(
            f"the cache has seen {cache.slots} tokens, and this text has {tokens.shape[1]}: to go "
            "on, pass the whole conversation with something added; to start again, make a new "
            "KVCache"
        )
    if cache.seen is None:
        return
    told = folded(None, tokens[:, : cache.slots], 0)
    assert told is not None
    if not torch.equal(told.cpu(), cache.seen.cpu()):
        raise InvalidInput(
            f"this text does not begin with the {cache.slots} tokens that the cache has seen: to "
            "go on, pass the whole conversation as the model read and wrote it; to start again, "
            "make a new KVCache"
        )


def _signed(number: int) -> int:
    return number - _MODULUS if number >= _MODULUS // 2 else number
