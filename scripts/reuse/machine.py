"""The device, a model of random weights, clocks, and how quickly bytes get to it."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import torch
from decoding.model import config
from transformers import LlamaConfig, LlamaForCausalLM

_READ = 1 << 24
_THREADS = 8
_MUCH, _LITTLE = 1 << 30, 1 << 22
"""Bytes to measure a rate with, and for a dry run."""


def shape(tiny: bool) -> LlamaConfig:
    """Llama 3.1 8B's, or a tiny one for a dry run."""
    if not tiny:
        return config()
    return LlamaConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, vocab_size=997, max_position_embeddings=8192,
        attn_implementation="sdpa", bos_token_id=None, eos_token_id=None,
    )  # fmt: skip


def build(shape: LlamaConfig, device: torch.device) -> LlamaForCausalLM:
    """A model with random weights, bfloat16 on CUDA."""
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if device.type == "cuda" else torch.float32)
    with device:
        model = LlamaForCausalLM(shape)
    torch.set_default_dtype(before)
    return model.eval()


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds until the device is done; what `work` gives is freed afterwards."""
    collect()
    synchronize()
    began = time.perf_counter()
    kept = work()
    synchronize()
    taken = time.perf_counter() - began
    del kept
    return taken


def median(work: Callable[[], object], repeats: int) -> float:
    """The median of several."""
    return statistics.median(seconds(work) for _ in range(repeats))


def collect() -> None:
    """Free what nothing names any more; only a device's memory is so tight that it matters."""
    if torch.cuda.is_available():
        gc.collect()


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def fresh_peak(empty: bool = True) -> None:
    """Let go of what is not used, and begin to watch the peak of the device's memory.

    Args:
        empty: give unused memory back too; what runs next has to ask for it again.
    """
    collect()
    if torch.cuda.is_available():
        if empty:
            torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak() -> float:
    """Gigabytes on the device at most since then."""
    return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0


def copy_rate(device: torch.device) -> float:
    """Bytes a second from pinned host memory to the device."""
    pinned = device.type == "cuda"
    nbytes = _MUCH if pinned else _LITTLE
    source = torch.empty(nbytes, dtype=torch.uint8, pin_memory=pinned)
    target = torch.empty(nbytes, dtype=torch.uint8, device=device)
    target.copy_(source, non_blocking=True)
    return nbytes / median(lambda: target.copy_(source, non_blocking=True), 5)


def cool(folder: Path) -> int:
    """Have the system let go of a folder's files (on a machine that is measured, of all it holds,
    if that is allowed: others would not thank us)."""
    files = list(folder.rglob("*.safetensors"))
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
    if torch.cuda.is_available():
        with suppress(OSError):  # only root may
            Path("/proc/sys/vm/drop_caches").write_text("3\n")
    return sum(one.stat().st_size for one in files)


def disk_rate(folder: Path) -> float:
    """Bytes a second of reading the blobs themselves, several at once, after cooling."""
    nbytes = cool(folder)
    files = sorted(folder.rglob("*.safetensors"))
    room = [bytearray(_READ) for _ in files]

    def read(place: int) -> None:
        with files[place].open("rb", buffering=0) as opened:
            while opened.readinto(room[place]):
                pass

    began = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(read, range(len(files))))
    return nbytes / (time.perf_counter() - began)


def checksum_rate() -> float:
    """Bytes a second that one thread puts through SHA-256."""
    data = bytes(_MUCH // 4 if torch.cuda.is_available() else _LITTLE)
    return len(data) / seconds(lambda: sha256(data))
