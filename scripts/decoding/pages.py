"""Keys and values in the host's pinned memory, and which pages of them each token attends to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from decoding.model import DEVICE, milliseconds
from mnemon.kv.decode.fetch import FetchedRows, fetch, fetched
from mnemon.kv.decode.rows import PackedRows

PAGE, PAGES = 32, 64
# One page in so many is another than for the token before, where pages are kept.
TURN = 8
ROOMS = 2


def choices(tokens: int, rows: int, pages: int, fresh: int, steps: int) -> Tensor:
    """The pages that each row attends to, token by token, int32 [steps, rows, pages].

    At random, none twice; for each token, those `fresh` places that turned longest ago turn.
    """
    generator = torch.Generator().manual_seed(0)
    there = tokens // PAGE
    order = torch.stack([torch.randperm(there, generator=generator) for _ in range(rows)])
    now, made = order[:, :pages].clone(), []
    for step in range(steps):
        made.append(now.clone())
        new = torch.arange(pages + step * fresh, pages + (step + 1) * fresh) % there
        places = torch.arange(step * fresh, (step + 1) * fresh) % pages
        now[:, places] = order[:, new]
    return torch.stack(made).to(DEVICE, torch.int32)


def away(layers: Sequence[PackedRows], chosen: Tensor, keep: bool) -> list[FetchedRows]:
    """Each layer's rows in the host, of which `chosen` int32 [L, rows, pages] are attended to.

    Without `keep`, two rooms on the device serve all layers in turns.
    """
    made: list[FetchedRows] = []
    for one, picked in zip(layers, chosen, strict=True):
        host = []
        for part in (one.keys, one.values):
            shape = (len(picked), -1, PAGE, part.shape[-1])
            host.append(torch.empty(part.shape, dtype=part.dtype, pin_memory=True).view(shape))
            host[-1].copy_(part.view(shape))
        rows = fetched(host[0], host[1], picked, keep=keep)
        if not keep and len(made) >= ROOMS:
            rows = replace(rows, plain=made[-ROOMS].plain)
        made.append(rows)
    torch.cuda.synchronize()
    return made


def turning(chosen: Tensor, every: Tensor) -> Callable[[int], object]:
    """What makes `chosen` [...] the choice of a token, of `every` [steps, ...]."""
    return lambda step: chosen.copy_(every[step])


def link_rate() -> float:
    """Bytes a second that the device's copy engine brings from pinned memory."""
    source = torch.empty(2**28, dtype=torch.uint8, pin_memory=True)
    target = torch.empty(2**28, dtype=torch.uint8, device=DEVICE)
    return source.nbytes / (milliseconds(lambda: target.copy_(source, non_blocking=True)) / 1e3)


def fetching(rows: Sequence[FetchedRows]) -> float:
    """Milliseconds that fetching the chosen pages of all layers takes alone."""

    def run() -> None:
        for one in rows:
            if one.held is not None:
                one.held.fill_(-1)
            fetch(one)

    return milliseconds(run, 5)
