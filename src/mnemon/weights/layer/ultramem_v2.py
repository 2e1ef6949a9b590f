"""A memory layer in every block: the best slots by row and column keys, each a single neuron.

Scores of rows and columns are combined by a small Tucker core; a slot is a neuron with an input
vector and a value (PEER), weighed by its score; one linear layer expands the sum of the values.
Huang et al. 2025, "UltraMemV2: Memory Networks Scaling to 120B Parameters with Superior
Long-Context Learning", https://arxiv.org/abs/2508.18756 (PEER:
https://arxiv.org/abs/2407.04153); the official code is
https://github.com/ZihaoHuang-notabot/Ultra-Sparse-Memory-Network (none of it is here).
HOW OURS DIFFERS: no virtual slots and no penalty on the core; each layer has its own slots, scaled
so that with scores of 1 what it adds would begin with variance about 1 / (2 layers); sizes are for
models of a few million parameters. Rows depend on hidden states: they cannot be fetched ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnemon.errors import InvalidInput
from mnemon.weights.bank.table import Table
from mnemon.weights.layer import By, Given, Place, Turn
from mnemon.weights.layer._layers import chosen

__all__ = ["UltraMemV2"]


class _Slots(NamedTuple):
    """Of M tokens, the K best slots `[M, K]`, their scores by core `[M, K, C]`, and how unevenly
    rows and columns were chosen `[]`."""

    rows: Tensor
    scores: Tensor
    balance: Tensor


@dataclass(frozen=True)
class UltraMemV2:
    """Product-key memory layers.

    Attributes:
        knum: rows, and columns, of the grid of slots. kdim: width of their keys.
        knn: slots that a token uses, and rows and columns that are looked at for them.
        vdim, pre_vdim: width of a slot's value, and of its input vector.
        tucker_rank: keys a row or column, combined by the core.
        tucker_multihead: cores; each scores its own part of the values.
        use_glu_act: GELU on what a slot's input vector gives; linear without.
        layer_ids: the layers whose MLP it adds to; all if None.
        seed: of the first weights.
    """

    knum: int = 32
    kdim: int = 16
    knn: int = 16
    vdim: int = 64
    pre_vdim: int = 64
    tucker_rank: int = 2
    tucker_multihead: int = 2
    use_glu_act: bool = True
    layer_ids: tuple[int, ...] | None = None
    seed: int = 0

    def build(self, given: Given) -> _Bank:
        """A bank with a table a layer; a row is a slot: its input vector, then its value.

        Raises:
            InvalidInput: no such layer, more slots a token than rows, or a width that the cores
                do not divide.
        """
        if not 0 < self.knn <= self.knum or self.vdim % self.tucker_multihead:
            raise InvalidInput(
                f"{self.knn} slots a token among {self.knum} rows, values {self.vdim} wide for "
                f"{self.tucker_multihead} cores, cannot be: take no more slots than rows, and a "
                "width that the cores divide"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return _Bank(self, given)


class _Bank(nn.Module):
    place: Place = "mlp"
    by: By = "state"
    window = 0

    def __init__(self, options: UltraMemV2, given: Given) -> None:
        super().__init__()
        self.layers = chosen(options.layer_ids, given.layers)
        self.tables, self.keys, self.parts = (nn.ModuleDict() for _ in range(3))
        self.balance: list[Tensor] = []
        for layer in self.layers:
            table = Table(options.knum**2, options.pre_vdim + options.vdim)
            with torch.no_grad():
                table.weight[:, : options.pre_vdim] *= options.pre_vdim**-0.5
                table.weight[:, options.pre_vdim :] *= options.knn**-0.5
            self.tables[f"layer{layer}"] = table
            self.keys[f"layer{layer}"] = _Keys(options, given.hidden)
            self.parts[f"layer{layer}"] = _Neurons(options, given)

    def address(self, ids: Tensor) -> dict[str, Tensor]:
        self.balance.clear()
        return {}

    def added(self, layer: int, hidden: Tensor, turn: Turn) -> Tensor:
        name, flat = f"layer{layer}", hidden.flatten(0, 1)
        slots: _Slots = self.keys[name](flat)
        self.balance.append(slots.balance)
        added: Tensor = self.parts[name](flat, slots.scores, self.tables[name](slots.rows))
        return added.unflatten(0, hidden.shape[:2])


class _Keys(nn.Module):
    """Which slots M tokens `[M, D]` use."""

    def __init__(self, options: UltraMemV2, hidden: int) -> None:
        super().__init__()
        self._options, width = options, options.kdim
        self.query = nn.Linear(hidden, 2 * width, bias=False)
        self.keys = nn.Parameter(torch.empty(2, options.knum, options.tucker_rank, width))
        # Both are normed: a larger deviation does not change them, and lets them turn more slowly.
        for one in (self.query.weight, self.keys):
            nn.init.normal_(one, std=width**-0.5)
        self.query_norm, self.key_norm = nn.RMSNorm(width), nn.RMSNorm(width)
        for norm in (self.query_norm, self.key_norm):
            nn.init.constant_(norm.weight, width**-0.4)
        self.cores = nn.Parameter(
            torch.rand(options.tucker_multihead, options.tucker_rank, options.tucker_rank)
        )

    def forward(self, hidden: Tensor) -> _Slots:
        told, count = self._options, len(hidden)
        query = self.query_norm(self.query(hidden).unflatten(1, (2, told.kdim))).transpose(0, 1)
        keys = self.key_norm(self.keys).flatten(1, 2).transpose(1, 2)
        scores = (query @ keys).unflatten(2, (told.knum, told.tucker_rank))  # [2, M, N, R]
        rough = (scores * self._directions()[:, None, None]).sum(-1)
        near = rough.topk(told.knn, -1).indices  # [2, M, K]
        fine = scores.gather(2, near[..., None].expand(-1, -1, -1, told.tucker_rank))
        each = fine[0][None] @ self.cores[:, None] @ fine[1].transpose(1, 2)[None]  # [C, M, K, K]
        each = each.flatten(2)
        best = each.sum(0).topk(told.knn, -1).indices
        rows = near[0][:, :, None] * told.knum + near[1][:, None, :]
        picked = each.gather(2, best.expand(len(self.cores), count, -1))
        rows = rows.flatten(1).gather(1, best)
        return _Slots(rows, picked.permute(1, 2, 0), _unevenness(rough, near))

    @torch.no_grad()
    def _directions(self) -> Tensor:
        """The core's best approximation of rank one `[2, R]`: by it rows and columns are ranked."""
        left, _, right = torch.linalg.svd(self.cores.sum(0))
        both = torch.stack([left[:, 0], right[0]])
        return torch.where(both.sum() < 0, -both, both)


class _Neurons(nn.Module):
    """What M tokens `[M, D]` are given by the slots they use."""

    def __init__(self, options: UltraMemV2, given: Given) -> None:
        super().__init__()
        self._options = options
        self.inward = nn.Linear(given.hidden, options.pre_vdim, bias=False)
        self.outward = nn.Linear(options.vdim, given.hidden, bias=False)
        nn.init.normal_(self.inward.weight, std=given.hidden**-0.5)
        nn.init.normal_(self.outward.weight, std=(options.vdim * 2 * given.layers) ** -0.5)

    def forward(self, hidden: Tensor, scores: Tensor, found: Tensor) -> Tensor:
        inputs, values = found.split([self._options.pre_vdim, self._options.vdim], -1)
        active = (inputs @ self.inward(hidden)[..., None])[..., 0]
        active = functional.gelu(active) if self._options.use_glu_act else active
        parts = values.unflatten(2, (scores.shape[-1], -1))  # [M, K, C, V / C]
        weighed = (scores * active[..., None])[..., None] * parts
        out: Tensor = self.outward(weighed.sum(1).flatten(1))
        return out


def _unevenness(scores: Tensor, near: Tensor) -> Tensor:
    """2 if rows and columns are looked at evenly, more if not, for scores `[2, M, N]` and the best
    `[2, M, K]`: how often each is, times the chance that its score gives it."""
    chance = scores.softmax(-1).mean(1)
    load = torch.zeros_like(chance).scatter_add_(
        1, near.flatten(1), torch.ones_like(near.flatten(1), dtype=chance.dtype)
    )
    return (load / load.sum(1, keepdim=True) * chance).sum() * scores.shape[-1]
