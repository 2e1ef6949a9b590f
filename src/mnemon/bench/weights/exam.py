"""Many prompts and their targets at once, under what shards wear: their lower layers run once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional

from mnemon.bench.weights.asking import Judged
from mnemon.weights import rows

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.lesson import Pair
    from mnemon.weights.seam import Upper


class Rows(NamedTuple):
    """Ids and wanted next ids `[S * N, T]` of S shards with N rows each, and hidden states
    `[S * N, T, D]` below the layers that are adapted."""

    hidden: Tensor
    wanted: Tensor
    shards: int

    @property
    def at(self) -> Tensor:
        """Where something is wanted `[S * N, T]`."""
        return self.wanted != rows.UNASKED


def packed(upper: Upper, shards: Sequence[Sequence[Pair]]) -> Rows:
    """Pairs of shards, nothing being worn; shorter shards end with rows that want nothing."""
    given = rows.rows(shards, upper.device)
    return Rows(upper.below(given.ids), given.wanted, len(shards))


def losses(upper: Upper, of: Rows) -> Tensor:
    """Mean nats a token of each shard `[S]`."""
    logits = upper.logits(of.hidden, of.at).float()
    return rows.losses(logits, of.wanted, of.at, of.shards)


@torch.no_grad()
def judged_rows(upper: Upper, of: Rows) -> list[Judged]:
    """Of each row: whether greedy decoding gives its target, and the mean nats a token."""
    logits, at = upper.logits(of.hidden, of.at).float(), of.at
    wanted: Any = of.wanted[at]
    nats = functional.cross_entropy(logits, wanted, reduction="none")
    row = at.nonzero()[:, 0]
    sizes = at.sum(1).clamp(min=1)
    none = torch.zeros(len(at), device=at.device)
    wrong = none.index_add(0, row, (logits.argmax(-1) != wanted).float())
    mean = none.index_add(0, row, nats) / sizes
    return [Judged(not w, m) for w, m in zip(wrong.tolist(), mean.tolist(), strict=True)]
