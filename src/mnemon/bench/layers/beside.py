"""What stands beside a memory: more FFN, always on, and a mixture of experts, as banks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnemon.weights.layer import By, Place, Turn


class Dense(nn.Module):
    """Neurons that every token uses: a wider FFN, or a memory that is the same for all texts."""

    place: Place = "mlp"
    by: By = "state"
    window = 0
    balance = ()

    def __init__(self, hidden: int, layers: tuple[int, ...], neurons: int) -> None:
        super().__init__()
        self.layers, self.tables = layers, nn.ModuleDict()
        self.parts = nn.ModuleDict({f"layer{one}": _Gated(hidden, neurons) for one in layers})

    def address(self, ids: Tensor) -> dict[str, Tensor]:
        return {}

    def added(self, layer: int, hidden: Tensor, turn: Turn) -> Tensor:
        out: Tensor = self.parts[f"layer{layer}"](hidden)
        return out


class Experts(nn.Module):
    """A mixture of experts: each token uses the best `top` of them; nothing is dropped."""

    place: Place = "mlp"
    by: By = "state"
    window = 0

    def __init__(
        self, hidden: int, layers: tuple[int, ...], experts: int, neurons: int, top: int = 2
    ) -> None:
        super().__init__()
        self.layers, self.tables, self._top = layers, nn.ModuleDict(), top
        self.routers, self.parts = nn.ModuleDict(), nn.ModuleDict()
        for layer in layers:
            self.routers[f"layer{layer}"] = nn.Linear(hidden, experts, bias=False)
            made = [_Gated(hidden, neurons) for _ in range(experts)]
            self.parts[f"layer{layer}"] = nn.ModuleList(made)
        self.balance: list[Tensor] = []
        self.used: set[tuple[int, int]] = set()

    def address(self, ids: Tensor) -> dict[str, Tensor]:
        self.balance.clear()
        return {}

    def experts(self, layer: int) -> list[nn.Module]:
        """Those of a layer."""
        return list(self.parts[f"layer{layer}"].children())

    def added(self, layer: int, hidden: Tensor, turn: Turn) -> Tensor:
        flat, experts = hidden.flatten(0, 1), self.experts(layer)
        chance = self.routers[f"layer{layer}"](flat).softmax(-1)
        weight, best = chance.topk(self._top, -1)
        weight = weight / weight.sum(-1, keepdim=True)
        load = torch.zeros_like(chance).scatter(1, best, 1.0).mean(0)
        self.balance.append(len(load) * (load * chance.mean(0)).sum() / self._top)
        self.used |= {(layer, int(one)) for one in best.unique()}
        out = torch.zeros_like(flat)
        order = best.flatten().argsort()
        counts = torch.bincount(best.flatten(), minlength=len(load)).tolist()
        for expert, places in zip(experts, torch.split(order, counts), strict=True):
            if len(places):
                token = places // self._top
                given = weight.flatten()[places, None] * expert(flat[token])
                out = out.index_add(0, token, given)
        return out.view_as(hidden)


class _Gated(nn.Module):
    """A SwiGLU FFN, whose output begins as a memory block's does."""

    def __init__(self, hidden: int, neurons: int) -> None:
        super().__init__()
        self.gate, self.up = (nn.Linear(hidden, neurons, bias=False) for _ in range(2))
        self.down = nn.Linear(neurons, hidden, bias=False)
        for one in (self.gate, self.up):
            nn.init.normal_(one.weight, std=hidden**-0.5)
        nn.init.normal_(self.down.weight, std=0.02)

    def forward(self, hidden: Tensor) -> Tensor:
        out: Tensor = self.down(functional.silu(self.gate(hidden)) * self.up(hidden))
        return out
