"""Many prompts and their targets at once, under what shards wear: their lower layers run once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional

from mnemon.bench.weights.asking import Judged

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.lesson import Pair
    from mnemon.weights.seam import Upper

_UNASKED = -100


class Rows(NamedTuple):
    """Ids and wanted next ids `[S * N, T]` of S shards with N rows each, and hidden states
    `[S * N, T, D]` below the layers that are adapted."""

    hidden: Tensor
    wanted: Tensor
    shards: int

    @property
    def at(self) -> Tensor:
        """Where something is wanted `[S * N, T]`."""
        return self.wanted != _UNASKED


def packed(upper: Upper, shards: Sequence[Sequence[Pair]]) -> Rows:
    """Pairs of shards, nothing being worn; shorter shards end with rows that want nothing."""
    each = max(len(shard) for shard in shards)
    width = max(len(one.prompt) + len(one.target) for shard in shards for one in shard)
    ids = torch.zeros(len(shards) * each, width, dtype=torch.long)
    wanted = torch.full_like(ids, _UNASKED)
    for number, shard in enumerate(shards):
        for row, (prompt, target) in enumerate(shard, number * each):
            ids[row, : len(prompt) + len(target)] = torch.tensor([*prompt, *target])
            wanted[row, len(prompt) - 1 : len(prompt) + len(target) - 1] = torch.tensor(target)
    return Rows(upper.below(ids), wanted, len(shards))


def losses(upper: Upper, rows: Rows) -> Tensor:
    """Nats of each wanted token, zero elsewhere `[S * N, T]`."""
    found = functional.cross_entropy(
        upper.logits(rows.hidden, rows.at).float(), rows.wanted[rows.at], reduction="none"
    )
    return torch.zeros(rows.wanted.shape).masked_scatter(rows.at, found)


@torch.no_grad()
def judged_rows(upper: Upper, rows: Rows) -> list[Judged]:
    """Of each row: whether greedy decoding gives its target, and the mean nats a token."""
    logits, at = upper.logits(rows.hidden, rows.at).float(), rows.at
    wanted: Any = rows.wanted[at]
    nats = functional.cross_entropy(logits, wanted, reduction="none")
    row = at.nonzero()[:, 0]
    sizes = at.sum(1).clamp(min=1)
    none = torch.zeros(len(at))
    wrong = none.index_add(0, row, (logits.argmax(-1) != wanted).float())
    mean = none.index_add(0, row, nats) / sizes
    return [Judged(not w, m) for w, m in zip(wrong.tolist(), mean.tolist(), strict=True)]
