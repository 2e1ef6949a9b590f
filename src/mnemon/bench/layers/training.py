"""A fresh small decoder, trained together with what is attached to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from mnemon.bench.layers.beside import Experts

if TYPE_CHECKING:
    from mnemon.bench.layers.world import World
    from mnemon.weights.layer import Bank

HIDDEN, LAYERS = 64, 2
RATE, BATCH = 1e-2, 64
_BALANCE = 0.01
_WARM = 20


def decoder(vocabulary: int, seed: int) -> Any:
    """A Llama of two layers, 64 wide."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=vocabulary, hidden_size=HIDDEN, intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
        max_position_embeddings=256, tie_word_embeddings=True, pad_token_id=0, bos_token_id=1,
        eos_token_id=None,
    ))  # fmt: skip


def train(
    model: Any, world: World, bank: Bank | None, *, steps: int, seed: int, rate: float = 1.0
) -> None:
    """Train all parameters on documents, in the same order for a seed.

    Args:
        bank: that is attached, if any. rate: of its tables, times that of all else.
    """
    rng = np.random.default_rng([seed, 1])
    tables = [] if bank is None else list(bank.tables.parameters())
    known = {id(one) for one in tables}
    groups = [
        {"params": [one for one in model.parameters() if id(one) not in known], "share": 1.0},
        {"params": tables, "share": rate},
    ]
    optimizer = torch.optim.Adam([one for one in groups if one["params"]], fused=True)
    model.train()
    for step in range(steps):
        now = RATE * min(1.0, (step + 1) / _WARM) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = now * group["share"]
        ids = torch.from_numpy(world.documents(rng, BATCH))
        loss = model(ids, labels=ids, use_cache=False).loss
        if isinstance(bank, Experts):
            loss = loss + _BALANCE * torch.stack(bank.balance).mean()
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
    asked, values = torch.from_numpy(world.questions()), torch.from_numpy(world.values)
    both = torch.cat([asked, values[:, :1]], 1)
    best = torch.cat([model(one).logits[:, -2:].argmax(-1) for one in _pieces(both, 256)])
    return (best == values).all(1)


def _pieces(ids: Tensor, rows: int) -> list[Tensor]:
    return [ids[start : start + rows] for start in range(0, len(ids), rows)]
