"""The encoder over the static rows, as torch trains it; `mnemon.models.context_encoder` runs it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnemon.models import context_encoder
from mnemon.models.context_encoder import BLOCK, EPSILON

LAYERS, INNER, NEAR = 2, 512, 24
_SMALL = 0.01  # deviation of what is added to the residual stream at the beginning


class Encoder(nn.Module):
    """What the pieces of texts add to the sums of their rows; nothing at the beginning."""

    def __init__(self, width: int, layers: int = LAYERS, inner: int = INNER, near: int = NEAR):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(20.0).log())
        self.layers = nn.ModuleList(_Layer(width, inner, near) for _ in range(layers))
        self.last = nn.Linear(width, width)
        self.summed = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        nn.init.eye_(self.summed.weight)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """[N, D] for rows [N, T, D], those where `mask` [N, T] is false not counting."""
        hidden = rows * self.scale.exp()
        for layer in self.layers:
            hidden = layer(hidden, mask)
        found: Tensor = (self.last(_normed(hidden)) * mask[..., None]).sum(1)
        return found

    @torch.no_grad()
    def written(self) -> context_encoder.Encoder:
        """The same at run time."""
        layers = [layer.written() for layer in self.layers]
        stacked = {name: torch.stack([one[name] for one in layers]) for name in layers[0]}
        arrays = {
            **stacked, "scale": self.scale.exp(), "last": self.last.weight.T,
            "last_bias": self.last.bias, "summed": self.summed.weight.T,
        }  # fmt: skip
        return context_encoder.Encoder(
            **{name: one.float().cpu().contiguous().numpy() for name, one in arrays.items()}
        )

    @classmethod
    @torch.no_grad()
    def read(cls, told: context_encoder.Encoder) -> Encoder:
        """The inverse of `written`."""
        layers, blocks, width, _ = told.up.shape
        made = cls(width, layers, blocks * BLOCK, told.near.shape[-1] // 2)
        made.scale.copy_(torch.from_numpy(told.scale).log())
        made.last.weight.copy_(torch.from_numpy(told.last).T)
        made.last.bias.copy_(torch.from_numpy(told.last_bias))
        made.summed.weight.copy_(torch.from_numpy(told.summed).T)
        for number, layer in enumerate(made.layers):
            layer.read(told, number)
        return made


class _Layer(nn.Module):
    def __init__(self, width: int, inner: int, near: int) -> None:
        super().__init__()
        self.heads = nn.Linear(width, 3 * width)
        self.near = nn.Parameter(torch.zeros(width // BLOCK, 2 * near + 1))
        self.joined, self.up = nn.Linear(width, width), nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        for one in (self.joined, self.down):
            nn.init.normal_(one.weight, std=_SMALL)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        some, count, width = hidden.shape
        parts = self.heads(_normed(hidden)).view(some, count, 3, width // BLOCK, BLOCK)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        places, most = torch.arange(count, device=hidden.device), self.near.shape[1] // 2
        apart = (places - places[:, None]).clamp(-most, most) + most
        beside = self.near[:, apart].masked_fill(~mask[:, None, None, :], -1e4)
        attended = functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=beside.to(queries.dtype)
        )
        hidden = hidden + self.joined(attended.transpose(1, 2).reshape(some, count, width))
        found: Tensor = hidden + self.down(functional.relu(self.up(_normed(hidden))))
        return found

    def written(self) -> dict[str, Tensor]:
        heads, bias = (
            _blocks(one).clone() for one in (self.heads.weight, self.heads.bias[:, None])
        )
        queries = slice(0, len(heads) // 3)
        heads[queries] *= BLOCK**-0.5
        bias[queries] *= BLOCK**-0.5
        return {
            "heads": heads, "heads_bias": bias, "near": self.near,
            "joined": _rows(self.joined.weight), "joined_bias": self.joined.bias,
            "up": _blocks(self.up.weight), "up_bias": _blocks(self.up.bias[:, None]),
            "down": _rows(self.down.weight), "down_bias": self.down.bias,
        }  # fmt: skip

    def read(self, told: context_encoder.Encoder, number: int) -> None:
        held = {
            name: torch.from_numpy(getattr(told, name)[number]).clone() for name in self.written()
        }
        queries = slice(0, len(held["heads"]) // 3)
        for name in ("heads", "heads_bias"):
            held[name][queries] *= BLOCK**0.5
        for name in ("heads", "up"):
            layer = getattr(self, name)
            layer.weight.copy_(held[name].transpose(1, 2).reshape(layer.weight.shape))
            layer.bias.copy_(held[f"{name}_bias"].flatten())
        for name in ("joined", "down"):
            layer = getattr(self, name)
            layer.weight.copy_(held[name].reshape(layer.weight.T.shape).T)
            layer.bias.copy_(held[f"{name}_bias"])
        self.near.copy_(held["near"])


def _normed(hidden: Tensor) -> Tensor:
    return functional.layer_norm(hidden, hidden.shape[-1:], eps=EPSILON)


def _blocks(weight: Tensor) -> Tensor:
    """[B, K, BLOCK] of a layer's weight [B * BLOCK, K]."""
    return weight.view(-1, BLOCK, weight.shape[1]).transpose(1, 2)


def _rows(weight: Tensor) -> Tensor:
    """[B, BLOCK, K] of a layer's weight [K, B * BLOCK]."""
    return weight.T.reshape(-1, BLOCK, len(weight))
