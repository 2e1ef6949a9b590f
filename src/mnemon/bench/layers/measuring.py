"""Counted, not timed: operations a token, bytes of parameters a token, rows fetched ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache

from mnemon.bench.layers.beside import Experts
from mnemon.kv import seam
from mnemon.weights.bank.offloading import Traffic, offload, offloaded, traffic

if TYPE_CHECKING:
    from mnemon.weights.layer import Bank


@torch.no_grad()
def operations(model: Any, ids: Tensor) -> int:
    """Floating-point operations of the matrix products of a forward pass, a token of `[B, T]`."""
    with FlopCounterMode(display=False) as counted:
        model(ids, use_cache=False)
    return int(counted.get_total_flops() // ids.numel())


@torch.no_grad()
def touched(model: Any, bank: Bank | None, ids: Tensor) -> int:
    """Bytes of a bank's parameters that one decoding step reads: the last token of texts `[B, T]`.

    Rows, experts and weights that several texts of the batch share count once. The bank's tables
    must be elsewhere: their lookups are counted.
    """
    if bank is None:
        return 0
    cache = DynamicCache()
    seam.forward(model, ids[:, :-1], cache)
    before = _looked_up(bank)
    if isinstance(bank, Experts):
        bank.used.clear()
    seam.forward(model, ids[:, -1:], cache)
    return _looked_up(bank) - before + _always(bank)


@torch.no_grad()
def fetched(model: Any, bank: Bank, ids: Tensor) -> tuple[bool, Traffic]:
    """Move a bank's tables to host memory and read texts `[B, T]`: whether the logits stay the
    same, bit for bit, and what was read."""
    resident = model(ids, use_cache=False).logits
    offload(bank)
    same = torch.equal(model(ids, use_cache=False).logits, resident)
    return same, traffic(bank)


def _looked_up(bank: Bank) -> int:
    """Bytes of all rows that were looked up so far."""
    return sum(
        (table.traffic.hits + table.traffic.misses) * table.row_bytes
        for _, table in offloaded(bank)
    )


def _always(bank: Any) -> int:
    """Bytes of what a token uses beside rows: of experts only those that were used last."""
    if not isinstance(bank, Experts):
        return sum(one.nbytes for one in bank.parameters())
    routers = sum(one.nbytes for one in bank.routers.parameters())
    return routers + sum(
        one.nbytes
        for layer, expert in bank.used
        for one in bank.experts(layer)[expert].parameters()
    )
