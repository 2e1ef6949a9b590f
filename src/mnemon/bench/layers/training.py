"""A fresh small decoder, trained together with what is attached to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from mnemon.kv import seam

if TYPE_CHECKING:
    from mnemon.bench.layers.world import World
    from mnemon.weights.layer import Bank

HIDDEN, LAYERS = 64, 2
BATCH = 64
_BALANCE = 0.01
_WARM = 20


def decoder(vocabulary: int, seed: int) -> Any:
    """A Llama of two layers, 64 wide."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=vocabulary, hidden_size=HIDDEN, intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
        max_position_embeddings=256, tie_word_embeddings=True, pad_token_id=0, bos_token_id=1,
        eos_token_id=None, initializer_range=HIDDEN**-0.5,
    ))  # fmt: skip


def train(
    model: Any, world: World, bank: Bank | None, rates: tuple[float, float], *, steps: int,
    seed: int,
) -> None:  # fmt: skip
    """Train all parameters on documents, in the same order for a seed.

    Args:
        bank: that is attached, if any. rates: of Adam, at most: of its tables, and of all else.
    """
    rng = np.random.default_rng([seed, 1])
    groups = _groups(model, bank, rates)
    optimizer = torch.optim.Adam(groups, fused=True)
    model.train()
    for step in range(steps):
        now = min(1.0, (step + 1) / _WARM) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = now * group["rate"]
        ids = torch.from_numpy(world.documents(rng, BATCH))
        loss = model(ids, labels=ids, use_cache=False).loss
        if bank is not None and bank.balance:
            loss = loss + _BALANCE * torch.stack(list(bank.balance)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


@torch.no_grad()
def validation(model: Any, world: World, seed: int, count: int = 256) -> float:
    """Nats a token of documents that training did not have."""
    rng = np.random.default_rng([seed, 2])
    ids = torch.from_numpy(world.documents(rng, count))
    return float(np.mean([float(model(one, labels=one).loss) for one in _pieces(ids, 64)]))


@torch.no_grad()
def answered(model: Any, world: World) -> Tensor:
    """Which facts greedy decoding answers exactly, closed-book, `[F]`."""
    values = torch.from_numpy(world.values)
    best = torch.cat(
        [_decoded(model, one) for one in _pieces(torch.from_numpy(world.questions()), 256)]
    )
    return (best == values).all(1)


def _decoded(model: Any, asked: Tensor) -> Tensor:
    """Two tokens after questions `[B, T]`, one by one: what a text fetches is decided before."""
    cache = DynamicCache()
    first = seam.forward(model, asked, cache)[:, -1:].argmax(-1)
    second = seam.forward(model, first, cache)[:, -1:].argmax(-1)
    return torch.cat([first, second], 1)


def _groups(model: Any, bank: Bank | None, rates: tuple[float, float]) -> list[dict[str, Any]]:
    tables = [] if bank is None else list(bank.tables.parameters())
    known = {id(one) for one in tables}
    rest = [one for one in model.parameters() if id(one) not in known]
    found = zip((tables, rest), rates, strict=True)
    return [{"params": params, "rate": rate} for params, rate in found if params]


def _pieces(ids: Tensor, rows: int) -> list[Tensor]:
    return [ids[start : start + rows] for start in range(0, len(ids), rows)]
