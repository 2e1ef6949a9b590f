"""The model in training: transformers' Llama by the names of its weights, faster to train.

Tokens of all samples of a batch lie in one row, `[N, D]` with N = B·T, so that everything but
attention has one shape whatever the length of the samples, and is compiled once. Weights are kept
in float32; on a GPU the work is done in bfloat16.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnemon.bench.recall.vocabulary import SIZE
from mnemon.bench.recall_lm_training.recipe import Shape

EPSILON = 1e-6
_WIDTH = 0.02  # standard deviation of embeddings, and of what writes into the residual


class Rotary(NamedTuple):
    """Cosines and sines, each `[N, D]`, D the head dimension."""

    cosines: Tensor
    sines: Tensor


class _Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        wide, narrow = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.hidden, wide, bias=False)
        self.k_proj = nn.Linear(shape.hidden, narrow, bias=False)
        self.v_proj = nn.Linear(shape.hidden, narrow, bias=False)
        self.o_proj = nn.Linear(wide, shape.hidden, bias=False)


class _Mlp(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.down_proj = nn.Linear(shape.intermediate, shape.hidden, bias=False)


class _Weights(NamedTuple):
    """A layer's, in the order of `_before` and `_after`."""

    before: tuple[Tensor, ...]
    after: tuple[Tensor, ...]


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.hidden)
        self.self_attn = _Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.hidden)
        self.mlp = _Mlp(shape)

    def weights(self) -> _Weights:
        """Its weights."""
        one, other = self.self_attn, self.mlp
        inward = (one.q_proj.weight, one.k_proj.weight, one.v_proj.weight)
        outward = (other.gate_proj.weight, other.up_proj.weight, other.down_proj.weight)
        return _Weights(
            (self.input_layernorm.weight, *inward),
            (one.o_proj.weight, self.post_attention_layernorm.weight, *outward),
        )


class _Trunk(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(SIZE, shape.hidden)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.hidden)


class Llama(nn.Module):
    """The weights under transformers' names, and the two passes: hidden states, losses.

    Args:
        compiled: whether to compile what is not attention (worth it on a GPU).
    """

    def __init__(self, shape: Shape, *, compiled: bool = False) -> None:
        super().__init__()
        self.shape = shape
        self.model = _Trunk(shape)
        self._initialise()
        compile_ = partial(torch.compile, dynamic=False) if compiled else _as_it_is
        self._before: Callable[..., Any] = compile_(_before)
        self._after: Callable[..., Any] = compile_(_after)
        self._losses: Callable[..., Any] = compile_(_losses)

    def _initialise(self) -> None:
        into_residual = _WIDTH / math.sqrt(2 * self.shape.layers)
        for name, weight in self.model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.normal_(weight, std=into_residual)
            elif "embed" in name:
                nn.init.normal_(weight, std=_WIDTH)
            elif weight.ndim == 2:
                nn.init.normal_(weight, std=self.shape.hidden**-0.5)

    @property
    def dtype(self) -> torch.dtype:
        """What is computed in."""
        return torch.bfloat16 if self.model.norm.weight.is_cuda else torch.float32

    def rotary(self, batch: int, length: int) -> Rotary:
        """For so many samples of a length."""
        size, device = self.shape.head_dim, self.model.norm.weight.device
        inverse = self.shape.theta ** -(torch.arange(0, size, 2, device=device).float() / size)
        angles = torch.outer(torch.arange(length, device=device).float(), inverse)
        angles = torch.cat([angles, angles], -1).repeat(batch, 1)
        return Rotary(angles.cos(), angles.sin())

    def hidden(self, tokens: Tensor, rotary: Rotary, *, compiled: bool = True) -> Tensor:
        """Hidden states `[N, D]` of tokens `[B, T]`, before the last norm."""
        before: Callable[..., Any] = self._before if compiled else _before
        after: Callable[..., Any] = self._after if compiled else _after
        x = functional.embedding(tokens.reshape(-1), self.model.embed_tokens.weight).to(self.dtype)
        for layer in self.model.layers:
            weights = layer.weights()  # type: ignore[operator]
            q, k, v = before(x, *weights.before, *rotary, self.shape.head_dim)
            x = after(x, _attend(q, k, v, len(tokens)), *weights.after)
        return x

    def logits(self, hidden: Tensor) -> Tensor:
        """`[N, V]` of hidden states `[N, D]`."""
        return _logits(hidden, self.model.norm.weight, self.model.embed_tokens.weight)

    def losses(self, hidden: Tensor, tokens: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy of answers, and of the rest; tokens and answers are `[B, T]`."""
        targets = torch.cat([tokens[:, 1:], tokens.new_zeros(len(tokens), 1)], 1).reshape(-1)
        none = answers.new_zeros(len(tokens), 1)
        of_answer = torch.cat([answers[:, 1:], none], 1).reshape(-1).float()
        last = torch.ones(tokens.shape, device=tokens.device)
        last[:, -1] = 0
        of_rest = last.reshape(-1) * (1 - of_answer)
        weights = (self.model.norm.weight, self.model.embed_tokens.weight)
        found: tuple[Tensor, Tensor] = self._losses(hidden, *weights, targets, of_answer, of_rest)
        return found


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _normed(x: Tensor, weight: Tensor) -> Tensor:
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + EPSILON)
    return (wide * weight).to(x.dtype)


def _rotated(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    wide = x.float()
    first, second = wide.chunk(2, -1)
    turned = torch.cat([-second, first], -1)
    return (wide * cosines[:, None] + turned * sines[:, None]).to(x.dtype)


def _before(
    x: Tensor, norm: Tensor, q: Tensor, k: Tensor, v: Tensor, cosines: Tensor, sines: Tensor,
    head_dim: int,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Queries `[N, H, D]`, keys and values `[N, Hkv, D]`."""
    weight = torch.cat([q, k, v], 0).to(x.dtype)
    heads, kv_heads = len(q) // head_dim, len(k) // head_dim
    every = (_normed(x, norm) @ weight.t()).view(len(x), -1, head_dim)
    queries, keys, values = torch.split(every, [heads, kv_heads, kv_heads], 1)
    turned = (_rotated(queries, cosines, sines), _rotated(keys, cosines, sines))
    return *turned, values.contiguous()


def _attend(queries: Tensor, keys: Tensor, values: Tensor, batch: int) -> Tensor:
    """`[N, H·D]`: causal attention inside each sample."""
    count, _, size = queries.shape
    q, k, v = (
        one.view(batch, count // batch, -1, size).transpose(1, 2) for one in (queries, keys, values)
    )
    out = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    return out.transpose(1, 2).reshape(count, -1)


def _after(
    x: Tensor, attended: Tensor, o: Tensor, norm: Tensor, gate: Tensor, up: Tensor, down: Tensor
) -> Tensor:
    x = x + attended @ o.to(x.dtype).t()
    normed = _normed(x, norm)
    opened = functional.silu(normed @ gate.to(x.dtype).t()) * (normed @ up.to(x.dtype).t())
    return x + opened @ down.to(x.dtype).t()


def _logits(x: Tensor, norm: Tensor, embedding: Tensor) -> Tensor:
    return _normed(x, norm) @ embedding.to(x.dtype).t()


def _losses(
    x: Tensor, norm: Tensor, embedding: Tensor, targets: Tensor, of_answer: Tensor, of_rest: Tensor
) -> tuple[Tensor, Tensor]:
    logits = _logits(x, norm, embedding).float()
    each = functional.cross_entropy(logits, targets, reduction="none")
    means = [(each * one).sum() / one.sum().clamp(min=1) for one in (of_answer, of_rest)]
    return means[0], means[1]
