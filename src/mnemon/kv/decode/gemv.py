"""Projections of one token: a matrix times a vector, with what stands around it done in passing.

On an accelerator these are bound by the bytes of the matrix. RMSNorm before, bias and residual
after, SiLU between gate and up, rotation and appending of keys cost no pass of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from mnemon.kv.decode.rope import Rotation, append, rotate
from mnemon.kv.decode.rows import Tail


@dataclass(frozen=True)
class Norm:
    """RMSNorm: `weight` [K] and `eps`."""

    weight: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """`x` [..., K] normalised, as transformers rounds it."""
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return self.weight * wide.to(x.dtype)


def linear(
    x: Tensor,
    weight: Tensor,
    out: Tensor,
    *,
    norm: Norm | None = None,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
) -> None:
    """`out` = norm(`x`) @ weight.T + bias + residual; x [B, K], weight [N, K], out [B, N].

    `out` may be `residual`.
    """
    if x.is_cuda:
        from mnemon.kv.decode.kernels.launch import linear_kernel

        linear_kernel(x, weight, out, norm, bias, residual)
        return
    result = F.linear(norm(x) if norm else x, weight, bias)
    out.copy_(result if residual is None else residual + result)


def gated(x: Tensor, weight: Tensor, out: Tensor, *, norm: Norm) -> None:
    """`out` [B, F] = silu(gate) * up, of norm(`x`) [B, K]; `weight` [2 F, K], gate before up."""
    if x.is_cuda:
        from mnemon.kv.decode.kernels.launch import gated_kernel

        gated_kernel(x, weight, out, norm)
        return
    gate, up = F.linear(norm(x), weight).chunk(2, -1)
    out.copy_(F.silu(gate) * up)


def project_qkv(
    x: Tensor,
    weight: Tensor,
    queries: Tensor,
    tail: Tail,
    rotation: Rotation,
    *,
    norm: Norm,
    bias: Tensor | None = None,
    head_norms: tuple[Norm, Norm] | None = None,
) -> None:
    """Queries, rotated, to `queries` [B, Hq, D]; the key, rotated, and the value to the tail.

    `weight` [(Hq + 2 Hkv) D, K] has the query heads first, then keys, then values. The tail's
    `length` is where the token goes; it is left as it is. `head_norms` are those of queries and of
    keys, over the channels of each head, before they are rotated.
    """
    if x.is_cuda and head_norms is None:
        from mnemon.kv.decode.kernels.launch import qkv_kernel

        qkv_kernel(x, weight, queries, tail, rotation, norm, bias)
        return
    projected = torch.empty(len(x), len(weight), dtype=x.dtype, device=x.device)
    linear(x, weight, projected, norm=norm, bias=bias)
    if x.is_cuda and head_norms is not None:
        from mnemon.kv.decode.kernels.launch import heads_kernel

        heads_kernel(projected, queries, tail, rotation, *head_norms)
    else:
        place_heads(projected, queries, tail, rotation, head_norms)


def place_heads(
    projected: Tensor,
    queries: Tensor,
    tail: Tail,
    rotation: Rotation,
    head_norms: tuple[Norm, Norm] | None,
) -> None:
    """Normalises, rotates and places the heads of `projected` [B, (Hq + 2 Hkv) D]."""
    heads = projected.view(len(projected), -1, queries.shape[-1])
    hkv = tail.keys.shape[1]
    q, k, v = heads[:, : -2 * hkv], heads[:, -2 * hkv : -hkv], heads[:, -hkv:]
    if head_norms is not None:
        q, k = head_norms[0](q), head_norms[1](k)
    queries.copy_(rotate(q, rotation))
    append(rotate(k, rotation), v, tail)
