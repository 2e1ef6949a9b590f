"""One layer's offloaded tokens, and those of them that were fetched and are held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from mnemon.kv import packed
from mnemon.kv.slow import Slow

if TYPE_CHECKING:
    from torch import Tensor

_NONE = torch.iinfo(torch.int64).max


@dataclass(frozen=True)
class Held:
    """What attention reads of a layer: fetched entries, packed row by row.

    Attributes:
        numbers: `[b, Hs, K]` candidate numbers, rising; shorter rows end with a huge number.
        keys: `[M, Dk]`. values: `[M, Dv]`. lengths: `[b, Hs]`, on the CPU.
    """

    numbers: Tensor
    keys: Tensor
    values: Tensor
    lengths: Tensor


@dataclass
class Away:
    """What one layer keeps elsewhere, for sequences that were offloaded together.

    Attributes:
        heads: the key-value heads whose tokens are elsewhere.
        whole: the others: their tokens stay in the layer's stores.
        slow: keys and values side by side, a row for each sequence and head; None without heads.
        index: the method's resident index.
        tokens: candidates so far. held: what the last step read.
    """

    heads: tuple[int, ...]
    whole: tuple[int, ...]
    slow: Slow | None = None
    index: Mapping[str, Tensor] = field(default_factory=dict)
    tokens: int = 0
    held: Held | None = None

    def append(self, keys: Tensor, values: Tensor) -> None:
        """Move new candidates `[b, Hkv, C, D]` there."""
        self.tokens += keys.shape[2]
        if not self.heads:
            return
        rows = torch.cat([keys, values], -1)[:, list(self.heads)].flatten(0, 1)
        if self.slow is None:
            self.slow = Slow(rows, rows.device)
        else:
            self.slow.append(rows)

    def fetch(self, picked: Tensor, channels: int) -> int:
        """Hold the candidates `picked` `[b, Hs, K]` (-1: none); bytes that had to be fetched.

        Args:
            picked: what to hold; what is held already is not fetched again.
            channels: Dk, how many of a row's channels are the key.
        """
        assert self.slow is not None
        numbers = picked.long().masked_fill(picked < 0, _NONE).sort(-1).values
        old = self.held
        if old is not None and torch.equal(old.numbers, numbers):
            return 0
        valid = numbers != _NONE
        row = torch.arange(valid.shape[0] * valid.shape[1], device=picked.device)
        row = row.view(valid.shape[:2])[..., None].expand_as(numbers)
        known, place = _known(old, numbers, valid)
        missing = self.slow.read(row[valid & ~known], numbers[valid & ~known])
        found = missing.new_empty(int(valid.sum()), missing.shape[1])
        fresh = ~known[valid]
        found[fresh] = missing
        if old is not None:
            found[~fresh] = torch.cat([old.keys, old.values], 1)[place[valid & known]]
        self.held = Held(
            numbers,
            found[:, :channels].contiguous(),
            found[:, channels:].contiguous(),
            valid.sum(-1).cpu(),
        )
        return missing.numel() * missing.element_size()

    def tensors(self) -> list[Tensor]:
        """What stays resident of it."""
        held = self.held
        own = [] if held is None else [held.numbers, held.keys, held.values]
        return [*self.index.values(), *own]

    def sequences(self, which: Sequence[int]) -> Away:
        """Of the sequences at these places; nothing is held."""
        picked = torch.tensor(which)
        heads = len(self.heads)
        rows = (picked[:, None] * heads + torch.arange(heads)).flatten()
        return Away(
            self.heads,
            self.whole,
            None if self.slow is None else self.slow.select(rows),
            {name: part[picked.to(part.device)] for name, part in self.index.items()},
            self.tokens,
        )


def _known(old: Held | None, numbers: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Which of `numbers` are held, and as which packed entry."""
    if old is None or old.numbers.shape[-1] == 0:
        return torch.zeros_like(valid), torch.zeros_like(numbers)
    place = torch.searchsorted(old.numbers, numbers).clamp(max=old.numbers.shape[-1] - 1)
    known = (old.numbers.gather(-1, place) == numbers) & valid
    starts = packed.starts_of(old.lengths, numbers.device)[:-1].long()
    return known, place + starts.view(*old.lengths.shape, 1)
