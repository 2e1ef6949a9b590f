"""Suffix n-grams of canonical tokens, hashed into embedding tables; a gate decides what is used.

Each position looks up what its last 2 and 3 tokens hash to, with several heads against collisions;
the hidden state gates what was found, a short causal convolution mixes neighbours, and the sum goes
into the residual stream at a few layers. Rows depend on tokens alone, so they are fetched ahead.
Cheng et al. 2026, "Conditional Memory via Scalable Lookup: A New Axis of Sparsity for Large
Language Models", https://arxiv.org/abs/2601.07372; the official demo is
https://github.com/deepseek-ai/Engram (none of its code is here). HOW OURS DIFFERS: one
residual stream instead of hyper-connections; default sizes are for models of a few million
parameters (the demo's: 646,400 rows a head, 8 heads, 512 wide, layers 1 and 15). Cannot be
combined with padding on the left, or with beam search.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnemon.errors import InvalidInput
from mnemon.weights.bank.table import Table
from mnemon.weights.layer import By, Given, Place, Turn
from mnemon.weights.layer._layers import chosen

__all__ = ["Engram"]

_BETWEEN_LAYERS = 10_007  # seeds of two layers differ by this


@dataclass(frozen=True)
class Engram:
    """Hashed n-gram memory.

    Attributes:
        engram_vocab_size: rows of a head, at least: each head has the next prime.
        max_ngram_size: the longest suffix, in tokens; the shortest is 2.
        n_embed_per_ngram: width of what is looked up for one suffix length, all heads together.
        n_head_per_ngram: heads a suffix length.
        layer_ids: the layers whose input it adds to.
        kernel_size: of the convolution, whose dilation is `max_ngram_size`.
        pad_id: token that stands before the first.
        seed: of the hashes and the first weights.
    """

    engram_vocab_size: int = 2048
    max_ngram_size: int = 3
    n_embed_per_ngram: int = 64
    n_head_per_ngram: int = 4
    layer_ids: tuple[int, ...] = (1,)
    kernel_size: int = 4
    pad_id: int = 0
    seed: int = 0

    def build(self, given: Given) -> _Bank:
        """A bank with a table a layer.

        Raises:
            InvalidInput: no such layer, suffixes shorter than 2, or a width that heads do not
                divide.
        """
        if self.max_ngram_size < 2 or self.n_embed_per_ngram % self.n_head_per_ngram:
            raise InvalidInput(
                f"suffixes of {self.max_ngram_size} tokens, {self.n_embed_per_ngram} wide in "
                f"{self.n_head_per_ngram} heads, cannot be: take 2 tokens or more, and a width "
                "that the heads divide"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return _Bank(self, given)


class _Bank(nn.Module):
    place: Place = "layer"
    by: By = "tokens"
    balance = ()
    canonical: Tensor
    multipliers: Tensor

    def __init__(self, options: Engram, given: Given) -> None:
        super().__init__()
        self.layers = chosen(options.layer_ids, given.layers)
        self.window = options.max_ngram_size - 1
        self._heads, self._pad = options.n_head_per_ngram, options.pad_id
        read = torch.arange(given.vocabulary) if given.canonical is None else given.canonical
        self.register_buffer("canonical", read)
        self.register_buffer("multipliers", _multipliers(options, self.layers, given.vocabulary))
        self.tables, self.parts = nn.ModuleDict(), nn.ModuleDict()
        self._sizes: dict[str, list[int]] = {}
        primes = _primes(options.engram_vocab_size)
        for layer in self.layers:
            sizes = [next(primes) for _ in range(self.window * self._heads)]
            self._sizes[f"layer{layer}"] = sizes
            width = options.n_embed_per_ngram // self._heads
            self.tables[f"layer{layer}"] = Table(sum(sizes), width)
            self.parts[f"layer{layer}"] = _Fusion(options, given.hidden)

    def address(self, ids: Tensor) -> dict[str, Tensor]:
        read, pad = self.canonical[ids], int(self.canonical[self._pad])
        count = read.shape[1]
        shifted = [
            functional.pad(read, (back, 0), value=pad)[:, :count] for back in range(self.window + 1)
        ]
        return {
            name: self._rows(shifted, self.multipliers[number], sizes)
            for number, (name, sizes) in enumerate(self._sizes.items())
        }

    def _rows(self, shifted: list[Tensor], multipliers: Tensor, sizes: list[int]) -> Tensor:
        mixed, found, start = shifted[0] * multipliers[0], list[Tensor](), 0
        for back in range(1, self.window + 1):
            mixed = mixed ^ (shifted[back] * multipliers[back])
            for size in sizes[(back - 1) * self._heads : back * self._heads]:
                found.append(mixed % size + start)
                start += size
        return torch.stack(found, -1)

    def added(self, layer: int, hidden: Tensor, turn: Turn) -> Tensor:
        name = f"layer{layer}"
        found = self.tables[name](turn.rows[name]).flatten(-2)
        added, turn.kept[layer] = self.parts[name](hidden, found, turn.kept.get(layer))
        return added


class _Fusion(nn.Module):
    """From what was looked up `[B, T, E]` to what is added `[B, T, D]`."""

    def __init__(self, options: Engram, hidden: int) -> None:
        super().__init__()
        wide = (options.max_ngram_size - 1) * options.n_embed_per_ngram
        self.key, self.value = nn.Linear(wide, hidden), nn.Linear(wide, hidden)
        self.key_norm, self.query_norm = nn.RMSNorm(hidden), nn.RMSNorm(hidden)
        self.value_norm = nn.RMSNorm(hidden)
        self.conv = nn.Conv1d(
            hidden, hidden, options.kernel_size, groups=hidden, bias=False,
            dilation=options.max_ngram_size,
        )  # fmt: skip
        nn.init.zeros_(self.conv.weight)  # at first it passes the value on
        self._reach = (options.kernel_size - 1) * options.max_ngram_size

    def forward(
        self, hidden: Tensor, found: Tensor, before: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        fit = (self.key_norm(self.key(found)) * self.query_norm(hidden)).sum(-1, keepdim=True)
        fit = fit / hidden.shape[-1] ** 0.5
        gate = torch.sigmoid(fit.abs().clamp_min(1e-6).sqrt() * fit.sign())
        value = gate * self.value(found)
        normed = self.value_norm(value).transpose(1, 2)
        if before is None:
            before = normed.new_zeros(*normed.shape[:2], self._reach)
        whole = torch.cat([before, normed], 2)
        mixed = functional.silu(self.conv(whole)).transpose(1, 2)
        return value + mixed, whole[..., whole.shape[-1] - self._reach :].detach()


def _multipliers(options: Engram, layers: tuple[int, ...], vocabulary: int) -> Tensor:
    """Odd numbers `[layers, max_ngram_size]`, whose products with a token do not overflow."""
    most = max(1, np.iinfo(np.int64).max // vocabulary // 2)
    drawn = [
        np.random.default_rng(options.seed + _BETWEEN_LAYERS * layer).integers(
            0, most, options.max_ngram_size
        )
        for layer in layers
    ]
    return torch.tensor((2 * np.stack(drawn) + 1).tolist())


def _primes(least: int) -> Iterator[int]:
    """Primes from `least` on."""
    number = max(least, 2)
    while True:
        if all(number % one for one in range(2, int(number**0.5) + 1)):
            yield number
        number += 1
