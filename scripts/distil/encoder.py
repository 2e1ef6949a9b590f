"""The encoder of the embedder `context`, as torch trains it; `mnemon.models.context_encoder` runs
it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnemon.models import context_encoder
from mnemon.models.context_encoder import HEAD

INNER, NEAR = 256, 24
_EPSILON = 1e-5


class Encoder(nn.Module):
    """What the pieces of texts add to the sums of their static rows; nothing at the beginning.

    `pieces` [V, W] are its rows before they are normed, `wide` is D, the width of sums.
    """

    def __init__(self, pieces: Tensor, wide: int, inner: int = INNER, near: int = NEAR) -> None:
        super().__init__()
        width = pieces.shape[1]
        self.pieces = nn.Parameter(pieces)
        self.heads = nn.Linear(width, 3 * width)
        self.near = nn.Parameter(torch.zeros(width // HEAD, 2 * near + 1))
        self.alone, self.beside = nn.Linear(width, inner), nn.Linear(width, inner, bias=False)
        self.last = nn.Linear(2 * width + inner, wide)
        self.summed = nn.Linear(wide, wide, bias=False)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        nn.init.eye_(self.summed.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """[N, D] for ids [N, T], those where `mask` [N, T] is false not counting."""
        rows = normed(self.pieces[ids])
        attended = self._attended(rows, mask)
        inner = functional.relu(self.alone(rows) + self.beside(attended))
        told = torch.cat((rows, attended, inner), dim=-1)
        found: Tensor = (self.last(told) * mask[..., None]).sum(1)
        return found

    def weights(self) -> list[nn.Parameter]:
        """All but the rows."""
        return [one for one in self.parameters() if one is not self.pieces]

    @torch.no_grad()
    def written(self) -> context_encoder.Encoder:
        """The same at run time, but for the rows."""
        arrays: dict[str, Tensor] = {"near": self.near}
        for name, layer in self._layers().items():
            arrays[name] = layer.weight.T
            if layer.bias is not None:
                arrays[f"{name}_bias"] = layer.bias
        queries = slice(0, len(self.heads.weight) // 3)
        for name in ("heads", "heads_bias"):
            arrays[name] = arrays[name].clone()
            arrays[name][..., queries] *= HEAD**-0.5
        return context_encoder.Encoder(
            **{name: one.float().cpu().contiguous().numpy() for name, one in arrays.items()}
        )

    @classmethod
    @torch.no_grad()
    def read(cls, pieces: Tensor, told: context_encoder.Encoder) -> Encoder:
        """The inverse of `written`, with its rows."""
        made = cls(pieces, len(told.summed), told.alone.shape[1], told.near.shape[1] // 2)
        made.near.copy_(torch.from_numpy(told.near))
        for name, layer in made._layers().items():
            layer.weight.copy_(torch.from_numpy(getattr(told, name)).T)
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(getattr(told, f"{name}_bias")))
        queries = slice(0, len(made.heads.weight) // 3)
        made.heads.weight[queries] *= HEAD**0.5
        made.heads.bias[queries] *= HEAD**0.5
        return made

    def _layers(self) -> dict[str, nn.Linear]:
        return {name: one for name, one in self.named_children() if isinstance(one, nn.Linear)}

    def _attended(self, rows: Tensor, mask: Tensor) -> Tensor:
        some, count, width = rows.shape
        parts = self.heads(rows).view(some, count, 3, width // HEAD, HEAD)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        places, most = torch.arange(count, device=rows.device), self.near.shape[1] // 2
        apart = (places - places[:, None]).clamp(-most, most) + most
        beside = self.near[:, apart].masked_fill(~mask[:, None, None, :], -1e4)
        attended = functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=beside.to(queries.dtype)
        )
        return attended.transpose(1, 2).reshape(some, count, width)


def normed(rows: Tensor) -> Tensor:
    """Rows [..., W] with mean 0 and deviation 1."""
    return functional.layer_norm(rows, rows.shape[-1:], eps=_EPSILON)
