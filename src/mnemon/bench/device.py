"""What is asked of an accelerator while something is measured; on the CPU, nothing."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from mnemon.errors import WrongDevice
from mnemon.models.extras import require


class Peaks(NamedTuple):
    """The most bytes of a device within: of tensors, and held by torch for them."""

    allocated: int
    reserved: int


def check(device: str) -> None:
    """Raises WrongDevice if it is not the CPU and no CUDA device that is here."""
    torch = require("torch", "torch", "kv")
    kind = torch.device(device).type
    if kind != "cpu" and not (kind == "cuda" and torch.cuda.is_available()):
        raise WrongDevice("the bench", device, "it measures the CPU, or a CUDA device that is here")


def card(device: str) -> str | None:
    """The name of a CUDA device; None of the CPU."""
    torch = require("torch", "torch", "kv")
    return None if device == "cpu" else str(torch.cuda.get_device_name(device))


def synchronize(device: Any) -> None:
    """Wait for what a CUDA device was told to do."""
    torch = require("torch", "torch", "kv")
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def clear(device: Any) -> None:
    """Give back what nobody holds any more."""
    torch = require("torch", "torch", "kv")
    gc.collect()
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
        if hasattr(torch.accelerator, "empty_host_cache"):  # of newer torch
            torch.accelerator.empty_host_cache()


def beside(device: Any) -> int:
    """Bytes of a CUDA device that are in use and not held by torch here, whoever uses them."""
    cuda = require("torch", "torch", "kv").cuda
    free, total = cuda.mem_get_info(device)
    return int(total - free - cuda.memory_reserved(device))


@contextmanager
def peaks(device: Any) -> Iterator[Callable[[], Peaks | None]]:
    """What says, after it, the most that was held within; None on the CPU."""
    torch = require("torch", "torch", "kv")
    told: list[Peaks] = []
    cuda = torch.cuda if torch.device(device).type == "cuda" else None
    if cuda is not None:
        cuda.synchronize(device)
        cuda.reset_peak_memory_stats(device)
    yield lambda: told[0] if told else None
    if cuda is not None:
        cuda.synchronize(device)
        told.append(Peaks(cuda.max_memory_allocated(device), cuda.max_memory_reserved(device)))
